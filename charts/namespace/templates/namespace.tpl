apiVersion: v1
kind: Namespace
metadata:
  name: {{ required "name is needed" .Values.name }}
  {{- with .Values.labels }}
  labels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
