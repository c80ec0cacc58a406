{{/*
Copyright: (c) 2026, ekspress.eks contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

Traefik's arguments as a JSON list.
*/}}
{{- define "standin.arguments" -}}
{{- $found := dict "list" (list "--ping=true") -}}
{{- range $name := list "global" "entrypoints" "api" "metrics" "providers" "logs" -}}
{{- $more := include (printf "standin.arguments.%s" $name) $ | fromJsonArray -}}
{{- $_ := set $found "list" (concat $found.list $more) -}}
{{- end -}}
{{- toJson (concat $found.list .Values.additionalArguments) -}}
{{- end }}

{{/* Those of a dictionary that are set: prefix, settings (argument to value). */}}
{{- define "standin.set" -}}
{{- $made := list -}}
{{- range $name, $value := .settings -}}
{{- if and (not (kindIs "invalid" $value)) (ne (toString $value) "") (ne (toJson $value) "[]") -}}
{{- $text := ternary (join "," $value) (toString $value) (kindIs "slice" $value) -}}
{{- $made = append $made (printf "--%s.%s=%s" $.prefix $name $text) -}}
{{- end -}}
{{- end -}}
{{- toJson $made -}}
{{- end }}

{{/* Those of switches that are on: arguments to switches. */}}
{{- define "standin.on" -}}
{{- $made := list -}}
{{- range $argument, $on := . -}}
{{- if $on -}}
{{- $made = append $made (printf "--%s" $argument) -}}
{{- end -}}
{{- end -}}
{{- toJson $made -}}
{{- end }}

{{- define "standin.arguments.global" -}}
{{- include "standin.on" (dict
  "global.checkNewVersion=false" (not .Values.global.checkNewVersion)
  "global.sendAnonymousUsage" .Values.global.sendAnonymousUsage
  "global.notAppendXForwardedFor=true" .Values.global.notAppendXForwardedFor
  "core.strictTLSOptions=true" .Values.core.strictTLSOptions) -}}
{{- end }}

{{- define "standin.arguments.api" -}}
{{- include "standin.set" (dict "prefix" "api" "settings" .Values.api) -}}
{{- end }}

{{- define "standin.arguments.entrypoints" -}}
{{- $made := list -}}
{{- range $name, $config := .Values.ports -}}
{{- if $config -}}
{{- $prefix := printf "entryPoints.%s" $name -}}
{{- $headers := default dict $config.forwardedHeaders -}}
{{- $proxy := default dict $config.proxyProtocol -}}
{{- $transport := default dict $config.transport -}}
{{- $lifecycle := default dict $transport.lifeCycle -}}
{{- $timeouts := default dict $transport.respondingTimeouts -}}
{{- $http := default dict $config.http -}}
{{- $tls := default dict $http.tls -}}
{{- $settings := dict
  "address" (printf "%s:%v/%s" (default "" $config.hostIP) $config.port (default "TCP" $config.protocol | lower))
  "asDefault" $config.asDefault
  "forwardedHeaders.trustedIPs" $headers.trustedIPs
  "proxyProtocol.trustedIPs" $proxy.trustedIPs
  "http.middlewares" $http.middlewares
  "http.maxHeaderBytes" $http.maxHeaderBytes
  "http.sanitizePath" $http.sanitizePath
  "http.underscoreHeadersStrategy" $http.underscoreHeadersStrategy
  "transport.keepAliveMaxRequests" $transport.keepAliveMaxRequests
  "transport.keepAliveMaxTime" $transport.keepAliveMaxTime -}}
{{- range $key := list "requestAcceptGraceTimeout" "graceTimeOut" -}}
{{- $_ := set $settings (printf "transport.lifeCycle.%s" $key) (get $lifecycle $key) -}}
{{- end -}}
{{- range $key := list "readTimeout" "writeTimeout" "idleTimeout" -}}
{{- $_ := set $settings (printf "transport.respondingTimeouts.%s" $key) (get $timeouts $key) -}}
{{- end -}}
{{- range $key, $value := default dict $config.observability -}}
{{- $_ := set $settings (printf "observability.%s" $key) $value -}}
{{- end -}}
{{- if $tls.enabled -}}
{{- $_ := set $settings "http.tls" true -}}
{{- $_ := set $settings "http.tls.options" $tls.options -}}
{{- $_ := set $settings "http.tls.certResolver" $tls.certResolver -}}
{{- end -}}
{{- $made = concat $made (include "standin.set" (dict "prefix" $prefix "settings" $settings) | fromJsonArray) -}}
{{- $switches := dict
  (printf "%s.forwardedHeaders.insecure" $prefix) $headers.insecure
  (printf "%s.forwardedHeaders.notAppendXForwardedFor=true" $prefix) $headers.notAppendXForwardedFor
  (printf "%s.proxyProtocol.insecure" $prefix) $proxy.insecure
  (printf "%s.allowACMEByPass=true" $prefix) $config.allowACMEByPass -}}
{{- $made = concat $made (include "standin.on" $switches | fromJsonArray) -}}
{{- end -}}
{{- end -}}
{{- toJson $made -}}
{{- end }}

{{- define "standin.arguments.metrics" -}}
{{- $made := list -}}
{{- with .Values.metrics.prometheus -}}
{{- $settings := pick . "addEntryPointsLabels" "addServicesLabels" "buckets" -}}
{{- $_ := set $settings "entrypoint" .entryPoint -}}
{{- $switches := dict
  "metrics.prometheus=true" true
  "metrics.prometheus.addRoutersLabels=true" .addRoutersLabels
  "metrics.prometheus.manualrouting=true" .manualRouting
  "metrics.addinternals" $.Values.metrics.addInternals -}}
{{- $made = include "standin.on" $switches | fromJsonArray -}}
{{- $made = concat $made (include "standin.set" (dict "prefix" "metrics.prometheus" "settings" $settings) | fromJsonArray) -}}
{{- end -}}
{{- toJson $made -}}
{{- end }}

{{- define "standin.arguments.providers" -}}
{{- $crd := .Values.providers.kubernetesCRD -}}
{{- $ingress := .Values.providers.kubernetesIngress -}}
{{- $made := list -}}
{{- range $prefix, $provider := dict "providers.kubernetescrd" $crd "providers.kubernetesingress" $ingress -}}
{{- if $provider.enabled -}}
{{- $settings := pick $provider "labelSelector" "ingressClass" "allowEmptyServices" "crossProviderNamespaces" "namespaces" -}}
{{- if hasKey $provider "ingressEndpoint" -}}
{{- $_ := set $settings "ingressendpoint.hostname" $provider.ingressEndpoint.hostname -}}
{{- $_ := set $settings "ingressendpoint.ip" $provider.ingressEndpoint.ip -}}
{{- if and $provider.publishedService.enabled (or $.Values.service.enabled $provider.publishedService.pathOverride) -}}
{{- $own := printf "%s/%s" (include "standin.namespace" $) (include "standin.fullname" $) -}}
{{- $_ := set $settings "ingressendpoint.publishedservice" (default $own $provider.publishedService.pathOverride) -}}
{{- end -}}
{{- end -}}
{{- $switches := dict
  $prefix true
  (printf "%s.allowExternalNameServices=true" $prefix) $provider.allowExternalNameServices
  (printf "%s.allowCrossNamespace=true" $prefix) $provider.allowCrossNamespace
  (printf "%s.nativeLBByDefault=true" $prefix) $provider.nativeLBByDefault
  (printf "%s.strictPrefixMatching=true" $prefix) $provider.strictPrefixMatching -}}
{{- $made = concat $made (include "standin.on" $switches | fromJsonArray) -}}
{{- $made = concat $made (include "standin.set" (dict "prefix" $prefix "settings" $settings) | fromJsonArray) -}}
{{- end -}}
{{- end -}}
{{- toJson $made -}}
{{- end }}

{{- define "standin.arguments.logs" -}}
{{- $log := pick .Values.log "format" "filePath" -}}
{{- $_ := set $log "level" (upper .Values.log.level) -}}
{{- $made := include "standin.set" (dict "prefix" "log" "settings" $log) | fromJsonArray -}}
{{- with .Values.accessLog -}}
{{- if .enabled -}}
{{- $settings := dict
  "format" .format
  "bufferingsize" .bufferingSize
  "filters.statuscodes" .filters.statusCodes
  "filters.minduration" .filters.minDuration
  "fields.defaultmode" .fields.defaultMode
  "fields.headers.defaultmode" .fields.headers.defaultMode -}}
{{- range $name, $mode := .fields.names -}}
{{- $_ := set $settings (printf "fields.names.%s" $name) $mode -}}
{{- end -}}
{{- range $name, $mode := .fields.headers.names -}}
{{- $_ := set $settings (printf "fields.headers.names.%s" $name) $mode -}}
{{- end -}}
{{- $switches := dict
  "accesslog=true" true
  "accesslog.addinternals" .addInternals
  "accesslog.dualOutput=true" .dualOutput
  "accesslog.filters.retryattempts" .filters.retryAttempts -}}
{{- $made = concat $made (include "standin.on" $switches | fromJsonArray) -}}
{{- $made = concat $made (include "standin.set" (dict "prefix" "accesslog" "settings" $settings) | fromJsonArray) -}}
{{- end -}}
{{- end -}}
{{- toJson $made -}}
{{- end }}
