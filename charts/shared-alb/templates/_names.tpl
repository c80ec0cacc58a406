{{/*
Copyright: (c) 2026, ekspress.eks contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
*/}}
{{- define "shared-alb.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A dictionary as the controller reads one in an annotation: key=value,key=value; sorted, as Go's maps are when ranged over. */}}
{{- define "shared-alb.pairs" -}}
{{- $pairs := list -}}
{{- range $key, $value := . -}}
{{- $pairs = append $pairs (printf "%s=%v" $key $value) -}}
{{- end -}}
{{ join "," $pairs }}
{{- end }}

{{/*
The annotations of the Ingress as a JSON dictionary.
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
*/}}
{{- define "shared-alb.annotations" -}}
{{- $balancer := .Values.loadBalancer -}}
{{- $listeners := .Values.listeners -}}
{{- $targets := .Values.targets -}}
{{- $check := $targets.healthCheck -}}
{{- $made := dict
  "scheme" $balancer.scheme
  "ip-address-type" $balancer.ipAddressType
  "target-type" $targets.type
  "backend-protocol" "HTTP"
  "listen-ports" (ternary `[{"HTTP": 80}, {"HTTPS": 443}]` `[{"HTTP": 80}]` $listeners.https)
  "healthcheck-protocol" "HTTP"
  "healthcheck-port" (toString $check.port)
  "healthcheck-path" $check.path
  "healthcheck-interval-seconds" (toString $check.interval)
  "healthcheck-timeout-seconds" (toString $check.timeout)
  "healthy-threshold-count" (toString $check.healthyThreshold)
  "unhealthy-threshold-count" (toString $check.unhealthyThreshold)
  "success-codes" "200" -}}
{{- $optional := dict
  "load-balancer-name" $balancer.name
  "group.name" $balancer.group
  "subnets" (join "," $balancer.subnets)
  "security-groups" (join "," $balancer.securityGroups)
  "inbound-cidrs" (join "," $balancer.inboundCidrs)
  "wafv2-acl-arn" $balancer.webAcl
  "load-balancer-attributes" (include "shared-alb.pairs" $balancer.attributes)
  "target-group-attributes" (include "shared-alb.pairs" $targets.attributes)
  "tags" (include "shared-alb.pairs" $balancer.tags) -}}
{{- if $balancer.securityGroups -}}
{{- /* Of groups that are given it would not let their traffic in to nodes and pods by itself. */}}
{{- $_ := set $optional "manage-backend-security-group-rules" "true" -}}
{{- end -}}
{{- if $listeners.https -}}
{{- $_ := set $optional "certificate-arn" (join "," $listeners.certificates) -}}
{{- $_ := set $optional "ssl-policy" $listeners.sslPolicy -}}
{{- if $listeners.redirect -}}
{{- $_ := set $optional "ssl-redirect" "443" -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := $optional -}}
{{- if $value -}}
{{- $_ := set $made $name $value -}}
{{- end -}}
{{- end -}}
{{- /* Else ExternalDNS would take the hosts, which are there to find certificates by, for names of this load balancer. */}}
{{- $all := dict -}}
{{- range .Values.externalDns.annotationPrefixes -}}
{{- $_ := set $all (printf "%singress-hostname-source" .) "annotation-only" -}}
{{- end -}}
{{- range $name, $value := $made -}}
{{- $_ := set $all (printf "alb.ingress.kubernetes.io/%s" $name) $value -}}
{{- end -}}
{{- merge (dict) .Values.annotations $all | toJson -}}
{{- end }}
