{{/*
Copyright: (c) 2026, ekspress.eks contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

The autoscaler's command as a JSON list. An argument's name ends at its first underscore, so that it can be given twice.
*/}}
{{- define "standin.command" -}}
{{- $values := .Values -}}
{{- $command := list
  "./cluster-autoscaler"
  (printf "--cloud-provider=%s" $values.cloudProvider)
  (printf "--namespace=%s" .Release.Namespace) -}}
{{- range $values.autoscalingGroups -}}
{{- $command = append $command (printf "--nodes=%v:%v:%v" .minSize .maxSize .name) -}}
{{- end -}}
{{- if $values.autoDiscovery.clusterName -}}
{{- $tags := tpl (join "," $values.autoDiscovery.tags) . -}}
{{- $command = append $command (printf "--node-group-auto-discovery=asg:tag=%s" $tags) -}}
{{- end -}}
{{- with $values.cloudConfigPath -}}
{{- $command = append $command (printf "--cloud-config=%s" .) -}}
{{- end -}}
{{- range $key, $value := $values.extraArgs -}}
{{- $flag := printf "--%s" (splitList "_" $key | first) -}}
{{- $command = append $command (kindIs "invalid" $value | ternary $flag (printf "%s=%v" $flag $value)) -}}
{{- end -}}
{{- range $values.customArgs -}}
{{- $command = append $command (toString .) -}}
{{- end -}}
{{- toJson $command -}}
{{- end }}

{{/* The autoscaler's environment as a JSON list. */}}
{{- define "standin.environment" -}}
{{- $full := include "standin.fullname" . -}}
{{- $variables := list
  (dict "name" "POD_NAMESPACE" "valueFrom" (dict "fieldRef" (dict "fieldPath" "metadata.namespace")))
  (dict "name" "SERVICE_ACCOUNT" "valueFrom" (dict "fieldRef" (dict "fieldPath" "spec.serviceAccountName"))) -}}
{{- $region := tpl .Values.awsRegion . -}}
{{- if $region -}}
{{- $variables = append $variables (dict "name" "AWS_REGION" "value" $region) -}}
{{- $secret := default $full .Values.secretKeyRefNameOverride -}}
{{- if .Values.awsAccessKeyID -}}
{{- $variables = append $variables (dict "name" "AWS_ACCESS_KEY_ID" "valueFrom" (dict "secretKeyRef" (dict "name" $secret "key" "AwsAccessKeyId"))) -}}
{{- end -}}
{{- if .Values.awsSecretAccessKey -}}
{{- $variables = append $variables (dict "name" "AWS_SECRET_ACCESS_KEY" "valueFrom" (dict "secretKeyRef" (dict "name" $secret "key" "AwsSecretAccessKey"))) -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := .Values.extraEnv -}}
{{- $variables = append $variables (dict "name" $name "value" (toString $value)) -}}
{{- end -}}
{{- range $kind, $given := dict "configMapKeyRef" .Values.extraEnvConfigMaps "secretKeyRef" .Values.extraEnvSecrets -}}
{{- range $name, $of := $given -}}
{{- $reference := dict "name" (default $full $of.name) "key" (required (printf "the variable %s needs a key" $name) $of.key) -}}
{{- $variables = append $variables (dict "name" $name "valueFrom" (dict $kind $reference)) -}}
{{- end -}}
{{- end -}}
{{- toJson $variables -}}
{{- end }}

{{/* The pod's volumes, and where the container has them, as a JSON dictionary of two lists. */}}
{{- define "standin.volumes" -}}
{{- $volumes := list -}}
{{- $mounts := list -}}
{{- range $name, $of := .Values.extraVolumeSecrets -}}
{{- $secret := dict "secretName" (default (include "standin.fullname" $) $of.name) -}}
{{- with $of.items -}}
{{- $_ := set $secret "items" . -}}
{{- end -}}
{{- $path := required (printf "the volume %s needs a mountPath" $name) $of.mountPath -}}
{{- $volumes = append $volumes (dict "name" $name "secret" $secret) -}}
{{- $mounts = append $mounts (dict "name" $name "mountPath" $path "readOnly" true) -}}
{{- end -}}
{{- dict "volumes" (concat $volumes .Values.extraVolumes) "mounts" (concat $mounts .Values.extraVolumeMounts) | toJson -}}
{{- end }}
