{{/*
Copyright: (c) 2026, ekspress.eks contributors
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

The controller's flags as a JSON list; values that are not set have no flag.
*/}}
{{- define "standin.arguments" -}}
{{- $values := .Values -}}
{{- $arguments := list (printf "--cluster-name=%s" (tpl (required "clusterName is required" $values.clusterName) .)) -}}
{{- range $key, $flag := dict "region" "aws-region" "vpcId" "aws-vpc-id" -}}
{{- with tpl (get $values $key | default "") $ -}}
{{- $arguments = append $arguments (printf "--%s=%s" $flag .) -}}
{{- end -}}
{{- end -}}
{{- $scalars := dict
  "ingressClass" "ingress-class"
  "awsApiEndpoints" "aws-api-endpoints"
  "awsMaxRetries" "aws-max-retries"
  "defaultLoadBalancerScheme" "default-load-balancer-scheme"
  "enablePodReadinessGateInject" "enable-pod-readiness-gate-inject"
  "enableShield" "enable-shield"
  "enableWaf" "enable-waf"
  "enableWafv2" "enable-wafv2"
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
  "disableIngressClassAnnotation" "disable-ingress-class-annotation"
  "disableIngressGroupNameAnnotation" "disable-ingress-group-name-annotation"
  "tolerateNonExistentBackendService" "tolerate-non-existent-backend-service"
  "tolerateNonExistentBackendAction" "tolerate-non-existent-backend-action"
  "defaultSSLPolicy" "default-ssl-policy"
  "enableEndpointSlices" "enable-endpoint-slices"
  "enableBackendSecurityGroup" "enable-backend-security-group"
  "enableManageBackendSecurityGroupRules" "enable-manage-backend-security-group-rules"
  "backendSecurityGroup" "backend-security-group"
  "disableRestrictedSecurityGroupRules" "disable-restricted-sg-rules"
  "maxTargetsPerTargetGroup" "max-targets-per-target-group"
  "serviceTargetENISGTags" "service-target-eni-security-group-tags"
  "loadBalancerClass" "load-balancer-class" -}}
{{- range $key, $flag := $scalars -}}
{{- $value := get $values $key -}}
{{- if or $value (kindIs "bool" $value) -}}
{{- $arguments = append $arguments (printf "--%s=%v" $flag $value) -}}
{{- end -}}
{{- end -}}
{{- if ne $values.defaultTargetType "instance" -}}
{{- $arguments = append $arguments (printf "--default-target-type=%v" $values.defaultTargetType) -}}
{{- end -}}
{{- $maps := dict
  "aws-vpc-tags" $values.vpcTags
  "default-tags" $values.defaultTags
  "feature-gates" $values.controllerConfig.featureGates -}}
{{- range $flag, $value := $maps -}}
{{- with $value -}}
{{- $arguments = append $arguments (printf "--%s=%s" $flag (include "standin.pairs" .)) -}}
{{- end -}}
{{- end -}}
{{- $lists := dict "aws-api-throttle" $values.awsApiThrottle "external-managed-tags" $values.externalManagedTags -}}
{{- range $flag, $value := $lists -}}
{{- with $value -}}
{{- $arguments = append $arguments (printf "--%s=%s" $flag (join "," .)) -}}
{{- end -}}
{{- end -}}
{{- with $values.certDiscovery.allowedCertificateAuthorityARNs -}}
{{- $arguments = append $arguments (printf "--allowed-certificate-authority-arns=%s" .) -}}
{{- end -}}
{{- with $values.certManagement.defaultPCAARN -}}
{{- $arguments = append $arguments (printf "--default-pca-arn=%s" .) -}}
{{- end -}}
{{- toJson $arguments -}}
{{- end }}
