{{/*
What a chart of your own includes. Each takes the top context, whatever the dependency's alias is.

  initContainers:
    {{- include "scimgate.sidecar.container" . | nindent 4 }}
  volumes:
    {{- include "scimgate.sidecar.volumes" . | nindent 4 }}

and, in a file of its own, {{ include "scimgate.sidecar.configmaps" . }}

In an Ingress, {{ include "scimgate.paths" . }} is the list of the paths to lead to the port `scim`.
*/}}
{{- define "scimgate.sidecar.container" -}}
{{- include "scimgate.container" (include "scimgate.sidecar.arguments" . | fromJson | merge (dict "root" .)) -}}
{{- end }}

{{- define "scimgate.sidecar.volumes" -}}
{{- include "scimgate.volumes" (include "scimgate.sidecar.arguments" . | fromJson | merge (dict "root" .)) -}}
{{- end }}

{{- define "scimgate.sidecar.configmaps" -}}
{{- include "scimgate.configmaps" (include "scimgate.sidecar.arguments" . | fromJson | merge (dict "root" .)) -}}
{{- end }}

{{/*
The gateway's values lie under the dependency's alias, which only its owner knows: they are the ones
with a key that nobody else has.
*/}}
{{- define "scimgate.sidecar.arguments" -}}
{{- $found := dict -}}
{{- range $alias, $values := .Values -}}
{{- if and (kindIs "map" $values) (kindIs "map" (get ($values | default dict) "store")) -}}
{{- if kindIs "map" $values.store.postgres -}}
{{- if hasKey $values.store.postgres "pepperKey" -}}
{{- $_ := set $found $alias $values -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if ne (len $found) 1 -}}
{{- fail (printf "scimgate-sidecar: one dependency of %s must be scimgate-sidecar, and there are %d" .Chart.Name (len $found)) -}}
{{- end -}}
{{- dict "gateway" (values $found | first) "sidecar" true | toJson -}}
{{- end }}
