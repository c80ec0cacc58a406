{{/*
Copyright: (c) 2026, ekspress.eks contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
*/}}
{{- define "standin.name" -}}
{{ default (printf "%s-%s" .Values.cloudProvider .Chart.Name) .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "standin.fullname" -}}
{{- $name := default (printf "%s-%s" .Values.cloudProvider .Chart.Name) .Values.nameOverride -}}
{{- $full := ternary $name (printf "%s-%s" .Release.Name $name) (eq $name .Release.Name) -}}
{{ default $full .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "standin.account" -}}
{{- $account := .Values.rbac.serviceAccount -}}
{{ default (ternary (include "standin.fullname" .) "default" $account.create) $account.name }}
{{- end }}

{{- define "standin.selector" -}}
app.kubernetes.io/name: {{ include "standin.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "standin.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "standin.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.additionalLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Annotations whose keys and values may be templates: context root, of. */}}
{{- define "standin.annotations" -}}
{{- $root := .root -}}
{{- $filled := dict -}}
{{- range $key, $value := .of -}}
{{- $_ := set $filled (tpl $key $root) (tpl $value $root) -}}
{{- end -}}
{{- with $filled }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* "true" where the expander priority is one of those that are asked for. */}}
{{- define "standin.by-priority" -}}
{{- if has "priority" (splitList "," (default "" .Values.extraArgs.expander)) -}}
true
{{- end -}}
{{- end }}
