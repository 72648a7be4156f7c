{{/*
All templates of this library take one dictionary:
  root     the top context of the chart that uses it
  gateway  the values described in values.yaml
  sidecar  whether the container is a native sidecar of somebody's pod
*/}}

{{- define "scimgate.name" -}}
{{- $own := .gateway.fullnameOverride | default "" -}}
{{- if $own -}}
{{- $own | trunc 50 | trimSuffix "-" -}}
{{- else if .sidecar -}}
{{- printf "%s-scimgate" .root.Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $chart := .gateway.nameOverride | default .root.Chart.Name -}}
{{- if contains $chart .root.Release.Name -}}
{{- .root.Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .root.Release.Name $chart | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "scimgate.image" -}}
{{- $image := .gateway.image -}}
{{- $name := ternary (printf "%s/%s" $image.registry $image.repository) $image.repository (ne $image.registry "") -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name ($image.tag | default "0.1.0") -}}
{{- end -}}
{{- end }}

{{- define "scimgate.labels" -}}
app.kubernetes.io/name: scimgate
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .gateway.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Whether the files of adapters come from ConfigMaps. */}}
{{- define "scimgate.ownAdapters" -}}
{{- if or .gateway.adapters .gateway.scripts .gateway.transcripts -}}yes{{- end -}}
{{- end }}
