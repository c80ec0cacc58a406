{{/*
Copyright: (c) 2026, ekspress.eks contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

The handler's environment as a JSON list: context root, system (linux, windows, or "" in queue mode).
*/}}
{{- define "standin.environment" -}}
{{- $values := .root.Values -}}
{{- $queue := $values.enableSqsTerminationDraining -}}
{{- $variables := list -}}
{{- range $name, $path := dict "NODE_NAME" "spec.nodeName" "POD_NAME" "metadata.name" "NAMESPACE" "metadata.namespace" -}}
{{- $variables = append $variables (dict "name" $name "valueFrom" (dict "fieldRef" (dict "fieldPath" $path))) -}}
{{- end -}}
{{- $texts := dict
  "PROBES_SERVER_PORT" $values.probes.httpGet.port
  "PROBES_SERVER_ENDPOINT" $values.probes.httpGet.path
  "ENABLE_PROBES_SERVER" (or $queue $values.enableProbesServer)
  "ENABLE_SQS_TERMINATION_DRAINING" $queue -}}
{{- range $name, $key := include "standin.variables" . | fromJson -}}
{{- $_ := set $texts $name (get $values $key) -}}
{{- end -}}
{{- /* These only where they are set. */}}
{{- $optional := dict
  "KUBERNETES_EVENTS_EXTRA_ANNOTATIONS" $values.kubernetesEventsExtraAnnotations
  "WEBHOOK_HEADERS" $values.webhookHeaders
  "WEBHOOK_PROXY" $values.webhookProxy -}}
{{- if include "standin.template-file" .root -}}
{{- $_ := set $optional "WEBHOOK_TEMPLATE_FILE" (printf "/config/%s" $values.webhookTemplateConfigMapKey) -}}
{{- else -}}
{{- $_ := set $optional "WEBHOOK_TEMPLATE" $values.webhookTemplate -}}
{{- end -}}
{{- if $values.webhookURLSecretName -}}
{{- $reference := dict "name" $values.webhookURLSecretName "key" "webhookurl" -}}
{{- $variables = append $variables (dict "name" "WEBHOOK_URL" "valueFrom" (dict "secretKeyRef" $reference)) -}}
{{- else -}}
{{- $_ := set $optional "WEBHOOK_URL" $values.webhookURL -}}
{{- end -}}
{{- if $queue -}}
{{- $_ := set $optional "AWS_REGION" $values.awsRegion -}}
{{- $_ := set $optional "AWS_ENDPOINT" $values.awsEndpoint -}}
{{- if and $values.awsAccessKeyID $values.awsSecretAccessKey -}}
{{- $_ := set $optional "AWS_ACCESS_KEY_ID" $values.awsAccessKeyID -}}
{{- $_ := set $optional "AWS_SECRET_ACCESS_KEY" $values.awsSecretAccessKey -}}
{{- end -}}
{{- else -}}
{{- $_ := set $optional "INSTANCE_METADATA_URL" $values.instanceMetadataURL -}}
{{- end -}}
{{- range $name, $value := $optional -}}
{{- if $value -}}
{{- $_ := set $texts $name $value -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := $texts -}}
{{- $variables = append $variables (dict "name" $name "value" (toString $value)) -}}
{{- end -}}
{{- toJson (concat $variables $values.extraEnv) -}}
{{- end }}

{{/* Which value each variable takes in this mode, as a JSON dictionary. */}}
{{- define "standin.variables" -}}
{{- $both := dict
  "LOG_LEVEL" "logLevel"
  "LOG_FORMAT_VERSION" "logFormatVersion"
  "JSON_LOGGING" "jsonLogging"
  "ENABLE_PROMETHEUS_SERVER" "enablePrometheusServer"
  "PROMETHEUS_SERVER_PORT" "prometheusServerPort"
  "DRY_RUN" "dryRun"
  "CORDON_ONLY" "cordonOnly"
  "TAINT_NODE" "taintNode"
  "ENABLE_OUT_OF_SERVICE_TAINT" "enableOutOfServiceTaint"
  "EXCLUDE_FROM_LOAD_BALANCERS" "excludeFromLoadBalancers"
  "DELETE_LOCAL_DATA" "deleteLocalData"
  "IGNORE_DAEMON_SETS" "ignoreDaemonSets"
  "POD_TERMINATION_GRACE_PERIOD" "podTerminationGracePeriod"
  "NODE_TERMINATION_GRACE_PERIOD" "nodeTerminationGracePeriod"
  "EMIT_KUBERNETES_EVENTS" "emitKubernetesEvents" -}}
{{- $queue := dict
  "QUEUE_URL" "queueURL"
  "WORKERS" "workers"
  "CHECK_ASG_TAG_BEFORE_DRAINING" "checkASGTagBeforeDraining"
  "CHECK_TAG_BEFORE_DRAINING" "checkTagBeforeDraining"
  "MANAGED_ASG_TAG" "managedAsgTag"
  "MANAGED_TAG" "managedTag"
  "USE_PROVIDER_ID" "useProviderId"
  "COMPLETE_LIFECYCLE_ACTION_DELAY_SECONDS" "completeLifecycleActionDelaySeconds"
  "DELETE_SQS_MSG_IF_NODE_NOT_FOUND" "deleteSqsMsgIfNodeNotFound"
  "HEARTBEAT_INTERVAL" "heartbeatInterval"
  "HEARTBEAT_UNTIL" "heartbeatUntil"
  "SQS_MSG_VISIBILITY_TIMEOUT_SEC" "sqsMsgVisibilityTimeoutSec" -}}
{{- $imds := dict
  "METADATA_TRIES" "metadataTries"
  "ENABLE_SPOT_INTERRUPTION_DRAINING" "enableSpotInterruptionDraining"
  "ENABLE_ASG_LIFECYCLE_DRAINING" "enableASGLifecycleDraining"
  "ENABLE_SCHEDULED_EVENT_DRAINING" "enableScheduledEventDraining"
  "ENABLE_REBALANCE_MONITORING" "enableRebalanceMonitoring"
  "ENABLE_REBALANCE_DRAINING" "enableRebalanceDraining" -}}
{{- if eq .system "linux" -}}
{{- $_ := set $imds "UPTIME_FROM_FILE" "procUptimeFile" -}}
{{- end -}}
{{- merge $both (ternary $queue $imds .root.Values.enableSqsTerminationDraining) | toJson -}}
{{- end }}

{{/* "true" where the webhook's template is a file of a ConfigMap. */}}
{{- define "standin.template-file" -}}
{{- if and .Values.webhookTemplateConfigMapName .Values.webhookTemplateConfigMapKey -}}
true
{{- end -}}
{{- end }}
