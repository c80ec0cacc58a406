{{- $instance := eq .Values.targets.type "instance" }}
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "shared-alb.labels" . | nindent 4 }}
spec:
  type: {{ ternary "NodePort" "ClusterIP" $instance }}
  {{- if $instance }}
  # Else every node passes the health check, also those without a pod, and they would add a hop and hide who asks.
  externalTrafficPolicy: Local
  {{- end }}
  selector:
    {{- if not .Values.targets.selector }}
    {{- fail "targets.selector is needed" }}
    {{- end }}
    {{- toYaml .Values.targets.selector | nindent 4 }}
  ports:
    - name: web
      port: 80
      targetPort: {{ .Values.targets.port }}
      protocol: TCP
