{{/*
Copyright: (c) 2026, ekspress.eks contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

The specification of a handler's pod, as far as it is the same in both modes: context root, system (linux, windows, or "" in
queue mode), security (the container's), settings (a dictionary of the pod's own, empty ones left out).
*/}}
{{- define "standin.pod" -}}
{{- $values := .root.Values -}}
{{- $queue := $values.enableSqsTerminationDraining -}}
{{- $file := include "standin.template-file" .root -}}
{{- $windows := eq .system "windows" -}}
serviceAccountName: {{ include "standin.account" .root }}
{{- range $key, $value := .settings }}
{{- with $value }}
{{ $key }}: {{ toJson . }}
{{- end }}
{{- end }}
{{- with $values.image.pullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with $values.podSecurityContext }}
securityContext: {{ toJson . }}
{{- end }}
{{- with $values.terminationGracePeriodSeconds }}
terminationGracePeriodSeconds: {{ . }}
{{- end }}
{{- with $values.dnsConfig }}
dnsConfig: {{ toJson . }}
{{- end }}
containers:
  - name: aws-node-termination-handler
    image: {{ printf "%s:%s" $values.image.repository (default (printf "v%s" .root.Chart.AppVersion) $values.image.tag) }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    env:
      {{- include "standin.environment" . | fromJsonArray | toYaml | nindent 6 }}
    {{- with .security }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $values.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- $ports := dict }}
    {{- if or $queue $values.enableProbesServer }}
    {{- $_ := set $ports "liveness-probe" $values.probes.httpGet.port }}
    livenessProbe:
      {{- toYaml $values.probes | nindent 6 }}
    {{- end }}
    {{- if $values.enablePrometheusServer }}
    {{- $_ := set $ports "http-metrics" $values.prometheusServerPort }}
    {{- end }}
    {{- with $ports }}
    ports:
      {{- range $name, $port := . }}
      - name: {{ $name }}
        containerPort: {{ $port }}
        {{- if $windows }}
        hostPort: {{ $port }}
        {{- end }}
        protocol: TCP
      {{- end }}
    {{- end }}
{{- $mounts := list }}
{{- $volumes := list }}
{{- if eq .system "linux" }}
{{- $mounts = append $mounts (dict "name" "uptime" "mountPath" $values.procUptimeFile "readOnly" true) }}
{{- $volumes = append $volumes (dict "name" "uptime" "hostPath" (dict "path" (default "/proc/uptime" $values.procUptimeFile))) }}
{{- end }}
{{- if $file }}
{{- $mounts = append $mounts (dict "name" "webhook-template" "mountPath" "/config/") }}
{{- $volumes = append $volumes (dict "name" "webhook-template" "configMap" (dict "name" $values.webhookTemplateConfigMapName)) }}
{{- end }}
{{- with $mounts }}
    volumeMounts:
      {{- toYaml . | nindent 6 }}
{{- end }}
{{- with $volumes }}
volumes:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
