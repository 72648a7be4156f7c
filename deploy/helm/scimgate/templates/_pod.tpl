{{- define "scimgate.selector" -}}
app.kubernetes.io/name: scimgate
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "scimgate.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "scimgate.name" (dict "root" . "gateway" .Values)) "default" .Values.serviceAccount.create) -}}
{{- end }}

{{/* Guards that only a gateway by itself needs. */}}
{{- define "scimgate.ownGuards" -}}
{{- if and (ne .Values.store.type "postgres") (or (gt (int .Values.replicaCount) 1) .Values.autoscaling.enabled) -}}
{{- fail "SQLite has one writer: with more than one replica, or with autoscaling, use store.type postgres" -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled -}}
{{- fail "metrics: a ServiceMonitor and a PodMonitor would scrape everything twice; enable one" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "ingress.host: name the host that Entra will call" -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.parentRefs: name the gateway that the route belongs to" -}}
{{- end -}}
{{- end }}

{{- define "scimgate.podTemplate" -}}
{{- $arguments := dict "root" . "gateway" .Values -}}
metadata:
  labels:
    {{- include "scimgate.labels" $arguments | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: scimgate
    # Of the configuration only: tenants, adapters and scripts are reloaded without a restart.
    checksum/config: {{ include "scimgate.config" $arguments | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "scimgate.serviceAccount" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile: {type: RuntimeDefault}
  containers:
    {{- include "scimgate.container" $arguments | nindent 4 }}
  volumes:
    {{- include "scimgate.volumes" $arguments | nindent 4 }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
