{{/*
Copyright: (c) 2026, ekspress.eks contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"true" where a source of the Gateway API is watched.
*/}}
{{- define "standin.gateways" -}}
{{- range list "http" "grpc" "tls" "tcp" "udp" -}}
{{- if has (printf "gateway-%sroute" .) $.Values.sources -}}
true
{{- end -}}
{{- end -}}
{{- end }}

{{/* What each source lets the program read, as a JSON list of rules. */}}
{{- define "standin.rules" -}}
{{- $values := .Values -}}
{{- $behindServices := list "service" "contour-httpproxy" "gloo-proxy" "openshift-route" "skipper-routegroup" -}}
{{- $istio := list "istio-gateway" "istio-virtualservice" -}}
{{- $routes := list -}}
{{- range list "http" "grpc" "tls" "tcp" "udp" -}}
{{- $routes = append $routes (list (list (printf "gateway-%sroute" .)) (list "gateway.networking.k8s.io") (list (printf "%sroutes" .))) -}}
{{- end -}}
{{- /* Sources, API groups, resources, and verbs where they are not the usual ones. */}}
{{- $table := list
  (list (concat $behindServices (list "pod")) (list "") (list "pods"))
  (list (concat $behindServices $istio) (list "") (list "services"))
  (list (list "service") (list "discovery.k8s.io") (list "endpointslices"))
  (list (concat (without $behindServices "service") $istio (list "ingress")) (list "extensions" "networking.k8s.io") (list "ingresses"))
  (list $istio (list "networking.istio.io") (list "gateways"))
  (list (list "istio-virtualservice") (list "networking.istio.io") (list "virtualservices"))
  (list (list "ambassador-host") (list "getambassador.io") (list "hosts" "ingresses"))
  (list (list "contour-httpproxy") (list "projectcontour.io") (list "httpproxies"))
  (list (list "crd") (list "externaldns.k8s.io") (list "dnsendpoints"))
  (list (list "crd") (list "externaldns.k8s.io") (list "dnsendpoints/status") (list "*"))
  (list (list "gloo-proxy") (list "gloo.solo.io" "gateway.solo.io") (list "proxies" "virtualservices" "gateways"))
  (list (list "kong-tcpingress") (list "configuration.konghq.com") (list "tcpingresses"))
  (list (list "traefik-proxy") (list "traefik.containo.us" "traefik.io") (list "ingressroutes" "ingressroutetcps" "ingressrouteudps"))
  (list (list "openshift-route") (list "route.openshift.io") (list "routes"))
  (list (list "skipper-routegroup") (list "zalando.org") (list "routegroups"))
  (list (list "skipper-routegroup") (list "zalando.org") (list "routegroups/status") (list "patch" "update"))
  (list (list "f5-virtualserver" "f5-transportserver") (list "cis.f5.com") (list "virtualservers" "transportservers")) -}}
{{- if not $values.namespaced -}}
{{- $nodes := list (concat $behindServices (list "node" "pod")) (list "") (list "nodes") (list "list" "watch") -}}
{{- $table = prepend $table $nodes -}}
{{- end -}}
{{- $rules := list -}}
{{- range concat $table $routes -}}
{{- $sources := first . -}}
{{- $watched := false -}}
{{- range $sources -}}
{{- $watched = or $watched (has . $values.sources) -}}
{{- end -}}
{{- if $watched -}}
{{- $verbs := eq (len .) 4 | ternary (last .) (list "get" "watch" "list") -}}
{{- $rules = append $rules (dict "apiGroups" (index . 1) "resources" (index . 2) "verbs" $verbs) -}}
{{- end -}}
{{- end -}}
{{- if include "standin.gateways" . -}}
{{- if not (and $values.namespaced $values.gatewayNamespace) -}}
{{- $rules = concat $rules (include "standin.gateway-rules" . | fromJsonArray) -}}
{{- end -}}
{{- if not $values.namespaced -}}
{{- $rules = concat $rules (include "standin.namespace-rules" . | fromJsonArray) -}}
{{- end -}}
{{- end -}}
{{- toJson (concat $rules $values.rbac.additionalPermissions) -}}
{{- end }}

{{- define "standin.gateway-rules" -}}
{{- $resources := .Values.enableGatewayListenerSets | ternary (list "gateways" "listenersets") (list "gateways") -}}
{{- $rule := dict "apiGroups" (list "gateway.networking.k8s.io") "resources" $resources "verbs" (list "get" "watch" "list") -}}
{{- list $rule | toJson -}}
{{- end }}

{{- define "standin.namespace-rules" -}}
{{- list (dict "apiGroups" (list "") "resources" (list "namespaces") "verbs" (list "get" "watch" "list")) | toJson -}}
{{- end }}

{{/* A role and its binding: root, kind (Role or ClusterRole), name, binding, namespace (of a Role, "" for the release's), rules. */}}
{{- define "standin.role" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  {{- include "standin.metadata" . | nindent 2 }}
rules:
  {{- toYaml .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  {{- include "standin.metadata" (dict "root" .root "name" .binding "namespace" .namespace) | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "standin.account" .root }}
    namespace: {{ include "standin.namespace" .root }}
{{- end }}
