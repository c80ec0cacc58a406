{{/*
Copyright: (c) 2026, ekspress.eks contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

The webhooks' certificate as JSON: given by values, kept from the cluster (keepTLSSecret), or made anew.
*/}}
{{- define "standin.certificate" -}}
{{- $service := printf "%s-webhook-service" (include "standin.prefix" .) -}}
{{- $host := printf "%s.%s" $service .Release.Namespace -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace (printf "%s-tls" (include "standin.prefix" .)) -}}
{{- if and .Values.webhookTLS.caCert .Values.webhookTLS.cert .Values.webhookTLS.key -}}
{{- dict "ca" (b64enc .Values.webhookTLS.caCert) "cert" (b64enc .Values.webhookTLS.cert) "key" (b64enc .Values.webhookTLS.key) | toJson -}}
{{- else if and .Values.keepTLSSecret $secret -}}
{{- dict "ca" (get $secret.data "ca.crt") "cert" (get $secret.data "tls.crt") "key" (get $secret.data "tls.key") | toJson -}}
{{- else -}}
{{- $ca := genCA (printf "%s-ca" (include "standin.prefix" .)) 3650 -}}
{{- $cert := genSignedCert (include "standin.fullname" .) nil (list $host (printf "%s.svc" $host) (printf "%s.svc.%s" $host .Values.cluster.dnsDomain)) 3650 $ca -}}
{{- dict "ca" (b64enc $ca.Cert) "cert" (b64enc $cert.Cert) "key" (b64enc $cert.Key) | toJson -}}
{{- end -}}
{{- end }}

{{/* One webhook's client configuration and fixed parts: context root, path, ca. */}}
{{- define "standin.hook" -}}
clientConfig:
  {{- with .ca }}
  caBundle: {{ . }}
  {{- end }}
  service:
    name: {{ include "standin.prefix" .root }}-webhook-service
    namespace: {{ .root.Release.Namespace }}
    path: {{ .path }}
admissionReviewVersions: [v1]
sideEffects: None
{{- end }}

{{/* Selects all but the controller's own objects, which no webhook can admit before the controller runs. */}}
{{- define "standin.not-own" -}}
key: app.kubernetes.io/name
operator: NotIn
values: [{{ include "standin.name" . }}]
{{- end }}

{{/* What selects the pods that a webhook is for: those of the values, never the controller's own. */}}
{{- define "standin.pods" -}}
matchExpressions:
  - {{- include "standin.not-own" . | nindent 4 }}
  {{- with .Values.objectSelector.matchExpressions }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.objectSelector.matchLabels }}
matchLabels:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
