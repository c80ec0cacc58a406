{{/*
Copyright: (c) 2026, ekspress.eks contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

The controller's flags as a JSON list; values that are not set have no flag.
*/}}
{{- define "standin.arguments" -}}
{{- $values := .Values -}}
{{- $arguments := list (printf "--cluster-name=%s" (tpl (required "clusterName is required" $values.clusterName) .)) -}}
{{- if ne $values.defaultTargetType "instance" -}}
{{- $arguments = append $arguments (printf "--default-target-type=%s" $values.defaultTargetType) -}}
{{- end -}}
{{- $scalars := dict
  "ingressClass" "ingress-class"
  "region" "aws-region"
  "vpcId" "aws-vpc-id"
  "awsMaxRetries" "aws-max-retries"
  "defaultLoadBalancerScheme" "default-load-balancer-scheme"
  "ingressMaxConcurrentReconciles" "ingress-max-concurrent-reconciles"
  "logLevel" "log-level"
  "metricsBindAddr" "metrics-bind-addr"
  "webhookBindPort" "webhook-bind-port"
  "serviceMaxConcurrentReconciles" "service-max-concurrent-reconciles"
  "targetgroupbindingMaxConcurrentReconciles" "targetgroupbinding-max-concurrent-reconciles"
  "targetgroupbindingMaxExponentialBackoffDelay" "targetgroupbinding-max-exponential-backoff-delay"
  "targetgroupbindingRequeueDuration" "targetgroupbinding-requeue-duration"
  "albGatewayMaxConcurrentReconciles" "alb-gateway-max-concurrent-reconciles"
  "nlbGatewayMaxConcurrentReconciles" "nlb-gateway-max-concurrent-reconciles"
  "globalAcceleratorMaxConcurrentReconciles" "globalaccelerator-max-concurrent-reconciles"
  "globalAcceleratorMaxExponentialBackoffDelay" "globalaccelerator-max-exponential-backoff-delay"
  "lbStabilizationMonitorInterval" "lb-stabilization-monitor-interval"
  "syncPeriod" "sync-period"
  "watchNamespace" "watch-namespace"
  "defaultSSLPolicy" "default-ssl-policy"
  "backendSecurityGroup" "backend-security-group"
  "maxTargetsPerTargetGroup" "max-targets-per-target-group"
  "loadBalancerClass" "load-balancer-class" -}}
{{- range $key, $flag := $scalars -}}
{{- with get $values $key -}}
{{- $arguments = append $arguments (printf "--%s=%v" $flag .) -}}
{{- end -}}
{{- end -}}
{{- $switches := dict
  "enablePodReadinessGateInject" "enable-pod-readiness-gate-inject"
  "enableShield" "enable-shield"
  "enableWaf" "enable-waf"
  "enableWafv2" "enable-wafv2"
  "disableIngressClassAnnotation" "disable-ingress-class-annotation"
  "disableIngressGroupNameAnnotation" "disable-ingress-group-name-annotation"
  "tolerateNonExistentBackendService" "tolerate-non-existent-backend-service"
  "tolerateNonExistentBackendAction" "tolerate-non-existent-backend-action"
  "enableEndpointSlices" "enable-endpoint-slices"
  "enableBackendSecurityGroup" "enable-backend-security-group"
  "enableManageBackendSecurityGroupRules" "enable-manage-backend-security-group-rules"
  "disableRestrictedSecurityGroupRules" "disable-restricted-sg-rules" -}}
{{- range $key, $flag := $switches -}}
{{- $value := get $values $key -}}
{{- if kindIs "bool" $value -}}
{{- $arguments = append $arguments (printf "--%s=%v" $flag $value) -}}
{{- end -}}
{{- end -}}
{{- $maps := dict
  "vpcTags" "aws-vpc-tags"
  "awsApiEndpoints" "aws-api-endpoints"
  "awsApiThrottle" "aws-api-throttle"
  "defaultTags" "default-tags"
  "serviceTargetENISGTags" "service-target-eni-security-group-tags" -}}
{{- range $key, $flag := $maps -}}
{{- $value := get $values $key -}}
{{- if kindIs "map" $value -}}
{{- if $value -}}
{{- $arguments = append $arguments (printf "--%s=%s" $flag (include "standin.pairs" $value)) -}}
{{- end -}}
{{- else if kindIs "slice" $value -}}
{{- $arguments = append $arguments (printf "--%s=%s" $flag (join "," $value)) -}}
{{- else if $value -}}
{{- $arguments = append $arguments (printf "--%s=%v" $flag $value) -}}
{{- end -}}
{{- end -}}
{{- with $values.externalManagedTags -}}
{{- $arguments = append $arguments (printf "--external-managed-tags=%s" (join "," .)) -}}
{{- end -}}
{{- with $values.controllerConfig.featureGates -}}
{{- $arguments = append $arguments (printf "--feature-gates=%s" (include "standin.pairs" .)) -}}
{{- end -}}
{{- with $values.certDiscovery.allowedCertificateAuthorityARNs -}}
{{- $arguments = append $arguments (printf "--allowed-certificate-authority-arns=%s" .) -}}
{{- end -}}
{{- with $values.certManagement.defaultPCAARN -}}
{{- $arguments = append $arguments (printf "--default-pca-arn=%s" .) -}}
{{- end -}}
{{- toJson $arguments -}}
{{- end }}
