{{/*
What a chart of your own includes; the dependency's alias is `scim`. Each takes the top context.

  initContainers:
    {{- include "scimgate.sidecar.container" . | nindent 4 }}
  volumes:
    {{- include "scimgate.sidecar.volumes" . | nindent 4 }}

and, in a file of its own, {{ include "scimgate.sidecar.configmaps" . }}
*/}}
{{- define "scimgate.sidecar.arguments" -}}
{{- $values := .Values.scim | default (index .Values "scimgate-sidecar") -}}
{{- if not $values -}}
{{- fail "scimgate-sidecar: give the dependency the alias `scim`" -}}
{{- end -}}
{{- end }}

{{- define "scimgate.sidecar.container" -}}
{{- include "scimgate.sidecar.arguments" . -}}
{{- include "scimgate.container" (dict "root" . "gateway" (.Values.scim | default (index .Values "scimgate-sidecar")) "sidecar" true) -}}
{{- end }}

{{- define "scimgate.sidecar.volumes" -}}
{{- include "scimgate.volumes" (dict "root" . "gateway" (.Values.scim | default (index .Values "scimgate-sidecar")) "sidecar" true) -}}
{{- end }}

{{- define "scimgate.sidecar.configmaps" -}}
{{- include "scimgate.configmaps" (dict "root" . "gateway" (.Values.scim | default (index .Values "scimgate-sidecar")) "sidecar" true) -}}
{{- end }}
