{{- define "scimgate.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "scimgate.name" (dict "root" . "gateway" .Values)) "default" .Values.serviceAccount.create) -}}
{{- end }}

{{- define "scimgate.servicePort" -}}
{{- .Values.service.port | default (ternary 80 443 (empty .Values.tls.existingSecret)) -}}
{{- end }}

{{- define "scimgate.pullSecrets" -}}
{{- $all := .Values.imagePullSecrets -}}
{{- range (.Values.global | default dict).imagePullSecrets -}}
{{- $all = append $all (ternary . (dict "name" .) (kindIs "map" .)) -}}
{{- end -}}
{{- with $all -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end }}

{{- define "scimgate.podTemplate" -}}
{{- $arguments := dict "root" . "gateway" .Values -}}
metadata:
  labels:
    {{- merge (dict) .Values.podLabels (include "scimgate.podLabels" $arguments | fromYaml) | toYaml | nindent 4 }}
  annotations:
    kubectl.kubernetes.io/default-container: scimgate
    # Of the configuration only: tenants, adapters and scripts are reloaded without a restart.
    checksum/config: {{ include "scimgate.config" $arguments | sha256sum }}
    {{- with merge (dict) .Values.podAnnotations .Values.commonAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "scimgate.serviceAccount" . }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automount }}
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- include "scimgate.pullSecrets" . | nindent 2 }}
  securityContext:
    {{- include "scimgate.securityContext" (dict "root" . "context" .Values.podSecurityContext) | nindent 4 }}
  {{- with .Values.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    {{- include "scimgate.container" $arguments | nindent 4 }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "scimgate.volumes" $arguments | nindent 4 }}
  {{- range $key := list "priorityClassName" "runtimeClassName" "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "hostAliases" "dnsPolicy" "dnsConfig" }}
  {{- with index $.Values $key }}
  {{ $key }}: {{ toJson . }}
  {{- end }}
  {{- end }}
{{- end }}
