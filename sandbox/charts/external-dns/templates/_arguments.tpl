{{/*
Copyright: (c) 2026, ekspress.eks contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

The program's arguments as a JSON list, in upstream's order. Templates in extraArgs are evaluated.
*/}}
{{- define "standin.arguments" -}}
{{- $values := .Values -}}
{{- $provider := $values.provider -}}
{{- if kindIs "map" $provider -}}
{{- $provider = $provider.name -}}
{{- end -}}
{{- $provider = tpl $provider . -}}
{{- if eq $provider "webhook" -}}
{{- fail "this stand-in has no webhook sidecar" -}}
{{- end -}}
{{- if and $values.txtPrefix $values.txtSuffix -}}
{{- fail "txtPrefix and txtSuffix exclude each other" -}}
{{- end -}}
{{- $namespace := $values.namespaced | ternary (default (include "standin.namespace" .) $values.sourceNamespace) "" -}}
{{- $arguments := list -}}
{{- /* Pairs of flag and value: a list repeats the flag, true stands alone, what is empty is left out. */}}
{{- $wanted := list
  (list "log-level" $values.logLevel)
  (list "log-format" $values.logFormat)
  (list "interval" $values.interval)
  (list "events" $values.triggerLoopOnEvent)
  (list "source" $values.sources)
  (list "policy" $values.policy)
  (list "registry" $values.registry)
  (list "txt-owner-id" $values.txtOwnerId)
  (list "txt-prefix" $values.txtPrefix)
  (list "txt-suffix" $values.txtSuffix)
  (list "namespace" $namespace)
  (list "gateway-namespace" $values.gatewayNamespace)
  (list "gateway-listener-sets" $values.enableGatewayListenerSets)
  (list "domain-filter" $values.domainFilters)
  (list "exclude-domains" $values.excludeDomains)
  (list "label-filter" $values.labelFilter)
  (list "annotation-filter" $values.annotationFilter)
  (list "annotation-prefix" $values.annotationPrefix)
  (list "managed-record-types" $values.managedRecordTypes)
  (list "provider" $provider) -}}
{{- range $wanted -}}
{{- $flag := printf "--%s" (first .) -}}
{{- $value := last . -}}
{{- if kindIs "slice" $value -}}
{{- range $value -}}
{{- $arguments = append $arguments (printf "%s=%v" $flag .) -}}
{{- end -}}
{{- else if $value -}}
{{- $arguments = append $arguments (kindIs "bool" $value | ternary $flag (printf "%s=%v" $flag $value)) -}}
{{- end -}}
{{- end -}}
{{- if kindIs "map" $values.extraArgs -}}
{{- range $name, $value := $values.extraArgs -}}
{{- if kindIs "invalid" $value -}}
{{- $arguments = append $arguments (printf "--%s" $name) -}}
{{- else if kindIs "bool" $value -}}
{{- $arguments = append $arguments (printf "--%s%s" ($value | ternary "" "no-") $name) -}}
{{- else -}}
{{- range (kindIs "slice" $value | ternary $value (list $value)) -}}
{{- $arguments = append $arguments (printf "--%s=%s" $name (tpl (toString .) $)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- range $values.extraArgs -}}
{{- $arguments = append $arguments (tpl . $) -}}
{{- end -}}
{{- end -}}
{{- toJson $arguments -}}
{{- end }}
