{{/*
Copyright: (c) 2026, ekspress.eks contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

The template of Traefik's pods.
*/}}
{{- define "standin.pod" -}}
{{- $deployment := .Values.deployment -}}
metadata:
  {{- $annotations := dict }}
  {{- with .Values.metrics.prometheus }}
  {{- if not .serviceMonitor.enabled }}
  {{- $port := (get $.Values.ports .entryPoint).port }}
  {{- $annotations = dict "prometheus.io/scrape" "true" "prometheus.io/path" "/metrics" "prometheus.io/port" (toString $port) }}
  {{- end }}
  {{- end }}
  {{- with merge (dict) $deployment.podAnnotations $annotations }}
  annotations:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  labels:
    {{- include "standin.labels" . | nindent 4 }}
    {{- with $deployment.podLabels }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "standin.account" . }}
  automountServiceAccountToken: true
  terminationGracePeriodSeconds: {{ default 60 $deployment.terminationGracePeriodSeconds }}
  hostNetwork: {{ .Values.hostNetwork }}
  {{- $settings := pick .Values "tolerations" "nodeSelector" "priorityClassName" }}
  {{- $_ := set $settings "securityContext" .Values.podSecurityContext }}
  {{- range $key := list "imagePullSecrets" "dnsPolicy" "dnsConfig" "hostAliases" "initContainers" "runtimeClassName" }}
  {{- $_ := set $settings $key (get $deployment $key) }}
  {{- end }}
  {{- range $key, $value := $settings }}
  {{- if $value }}
  {{ $key }}: {{ toJson $value }}
  {{- end }}
  {{- end }}
  {{- range $key, $value := pick .Values "affinity" "topologySpreadConstraints" }}
  {{- if $value }}
  {{ $key }}:
    {{- tpl (toYaml $value) $ | nindent 4 }}
  {{- end }}
  {{- end }}
  containers:
    - name: {{ include "standin.fullname" . }}
      image: {{ include "standin.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        {{- include "standin.arguments" . | fromJsonArray | toYaml | nindent 8 }}
      env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        - name: USER
          value: traefik
        {{- with .Values.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .Values.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        {{- range $name, $config := .Values.ports }}
        {{- if $config }}
        - name: {{ lower $name | trunc 15 }}
          containerPort: {{ default $config.port $config.containerPort }}
          protocol: {{ default "TCP" $config.protocol }}
          {{- with $config.hostPort }}
          hostPort: {{ . }}
          {{- end }}
        {{- end }}
        {{- end }}
      {{- $check := dict
        "port" (default .Values.ports.traefik.port $deployment.healthchecksPort)
        "scheme" (default "HTTP" $deployment.healthchecksScheme) }}
      {{- with $deployment.healthchecksHost }}
      {{- $_ := set $check "host" . }}
      {{- end }}
      {{- range $probe := list "readiness" "liveness" }}
      {{ $probe }}Probe:
        httpGet:
          path: {{ default "/ping" (get $deployment (printf "%sPath" $probe)) }}
          {{- toYaml $check | nindent 10 }}
        {{- get $.Values (printf "%sProbe" $probe) | toYaml | nindent 8 }}
      {{- end }}
      {{- with .Values.startupProbe }}
      startupProbe:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $deployment.lifecycle }}
      lifecycle:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - name: data
          mountPath: /data
        - name: tmp
          mountPath: /tmp
        {{- with .Values.additionalVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with $deployment.additionalContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    - name: data
      emptyDir: {}
    - name: tmp
      emptyDir: {}
    {{- with $deployment.additionalVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
