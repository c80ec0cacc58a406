apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "shared-alb.labels" . | nindent 4 }}
  annotations:
    {{- include "shared-alb.annotations" . | fromJson | toYaml | nindent 4 }}
spec:
  ingressClassName: {{ .Values.loadBalancer.ingressClass }}
  {{- if and .Values.listeners.https .Values.listeners.hosts }}
  tls:
    - hosts:
        {{- toYaml .Values.listeners.hosts | nindent 8 }}
  {{- end }}
  defaultBackend:
    service:
      name: {{ .Release.Name }}
      port:
        name: web
