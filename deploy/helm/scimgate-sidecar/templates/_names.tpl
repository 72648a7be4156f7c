{{/*
All templates of this library take one dictionary:
  root     the top context of the chart that uses it
  gateway  the values described in values.yaml
  sidecar  whether the container is a native sidecar of somebody's pod
*/}}

{{- define "scimgate.name" -}}
{{- $own := .gateway.fullnameOverride -}}
{{- if $own -}}
{{- $own -}}
{{- else if .sidecar -}}
{{- printf "%s-scimgate" .root.Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $chart := .gateway.nameOverride | default .root.Chart.Name -}}
{{- if contains $chart .root.Release.Name -}}
{{- .root.Release.Name -}}
{{- else -}}
{{- printf "%s-%s" .root.Release.Name $chart | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "scimgate.image" -}}
{{- $image := .gateway.image -}}
{{- $registry := $image.registry | default (.root.Values.global | default dict).imageRegistry -}}
{{- $name := ternary (printf "%s/%s" $registry $image.repository) $image.repository (not (empty $registry)) -}}
{{- if not (contains "/" $name) -}}
{{- fail "image.registry: name the registry to which you pushed the image that deploy/image/build.sh makes; there is no public one" -}}
{{- end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name ($image.tag | default (ternary "0.1.0" .root.Chart.AppVersion (.sidecar | default false))) -}}
{{- end -}}
{{- end }}

{{- define "scimgate.selector" -}}
app.kubernetes.io/name: scimgate
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{/* Of pods too: nothing here changes with the chart alone. */}}
{{- define "scimgate.podLabels" -}}
{{ include "scimgate.selector" . }}
app.kubernetes.io/version: {{ ternary "0.1.0" .root.Chart.AppVersion (.sidecar | default false) | quote }}
app.kubernetes.io/component: gateway
app.kubernetes.io/part-of: scimgate
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- with .gateway.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
Metadata of an object. Beside the dictionary's three: `suffix` of the name, or a `name` of its own,
and its `labels`, `annotations` and `namespace`, where it has some.
*/}}
{{- define "scimgate.metadata" -}}
{{- $labels := merge (dict) (.labels | default dict) (include "scimgate.podLabels" . | fromYaml) -}}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_") -}}
name: {{ .name | default (print (include "scimgate.name" .) (.suffix | default "")) }}
{{- with .namespace | default .gateway.namespaceOverride }}
namespace: {{ . }}
{{- end }}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .gateway.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Whether the files of adapters come from ConfigMaps. */}}
{{- define "scimgate.ownAdapters" -}}
{{- if or .gateway.adapters .gateway.scripts .gateway.transcripts -}}yes{{- end -}}
{{- end }}

{{/*
What Entra calls, https://host[:port]: `config.server.public_url`, or the first host that is routed
here; nothing if neither is known. Tenant URLs are below it.
*/}}
{{- define "scimgate.publicUrl" -}}
{{- $gateway := .gateway -}}
{{- $hosts := list -}}
{{- range include "scimgate.hosts" . | fromYamlArray -}}
{{- if not (contains "*" .) -}}
{{- $hosts = append $hosts . -}}
{{- end -}}
{{- end -}}
{{- $given := ($gateway.config.server | default dict).public_url -}}
{{- if $given -}}
{{- trimSuffix "/" $given -}}
{{- else if $hosts -}}
https://{{ first $hosts }}
{{- end -}}
{{- end }}

{{/* All hosts that ingress and HTTPRoute lead here, as a list. A sidecar's are its owner's. */}}
{{- define "scimgate.hosts" -}}
{{- $hosts := list -}}
{{- if (.gateway.ingress | default dict).enabled -}}
{{- $hosts = concat $hosts .gateway.ingress.hosts -}}
{{- end -}}
{{- if (.gateway.httpRoute | default dict).enabled -}}
{{- $hosts = concat $hosts .gateway.httpRoute.hostnames -}}
{{- end -}}
{{- toYaml (uniq $hosts) -}}
{{- end }}

{{/* Where all paths of Tenant URLs begin: /t/<tenant>/scim/v2 and /scim/v2; and those of what is
published about their token endpoints. */}}
{{- define "scimgate.paths" -}}
- /t
- /scim/v2
- /.well-known/oauth-authorization-server/t
- /.well-known/oauth-authorization-server/scim/v2
{{- end }}

{{/* A security context, on OpenShift without our ids: there each namespace has its own. */}}
{{- define "scimgate.securityContext" -}}
{{- $context := deepCopy .context -}}
{{- if .root.Capabilities.APIVersions.Has "security.openshift.io/v1" -}}
{{- range $id := list "runAsUser" "runAsGroup" "fsGroup" -}}
{{- if eq (int (get $context $id | default 0)) 65532 -}}
{{- $_ := unset $context $id -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $context -}}
{{- end }}
