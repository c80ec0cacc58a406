{{/*
Copyright: (c) 2026, ekspress.eks contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
*/}}
{{- define "standin.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "standin.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{ default $full .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "standin.namespace" -}}
{{ default .Release.Namespace .Values.namespaceOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Of cluster-wide objects, so that releases of one name in two namespaces do not share them. */}}
{{- define "standin.cluster-name" -}}
{{ printf "%s-%s" (include "standin.fullname" .) (include "standin.namespace" .) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "standin.account" -}}
{{ default (include "standin.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{- define "standin.selector" -}}
app.kubernetes.io/name: {{ include "standin.name" . }}
app.kubernetes.io/instance: {{ default (printf "%s-%s" .Release.Name (include "standin.namespace" .)) .Values.instanceLabelOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "standin.labels" -}}
{{ include "standin.selector" . }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "standin.image" -}}
{{- $repository := printf "%s/%s" (default "docker.io" .Values.image.registry) (default "traefik" .Values.image.repository) -}}
{{ ternary (printf "%s@%s" $repository .Values.image.digest) (printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag)) (not (empty .Values.image.digest)) }}
{{- end }}
