{{/* The configuration as the gateway reads it. */}}
{{- define "scimgate.config" -}}
{{- $own := include "scimgate.ownAdapters" . -}}
{{- $files := ternary "/etc/scimgate/own" "/etc/scimgate" (eq $own "yes") -}}
{{- $catalog := dict "adapters" (printf "%s/adapters" $files) "scripts" (printf "%s/scripts" $files) "transcripts" (printf "%s/transcripts" $files) "tenants" "/etc/scimgate/tenants" "secrets" "/etc/scimgate/secrets" -}}
{{- $server := dict "listen" "0.0.0.0:8080" -}}
{{- with include "scimgate.publicUrl" . -}}
{{- $_ := set $server "public_url" . -}}
{{- end -}}
{{- if .gateway.tls.existingSecret -}}
{{- $_ := set $server "tls" (dict "certificate" "/etc/scimgate/tls/tls.crt" "key" "/etc/scimgate/tls/tls.key") -}}
{{- end -}}
{{- $store := dict "path" "/var/lib/scimgate/scimgate.db" -}}
{{- if eq .gateway.store.type "postgres" -}}
{{- $_ := set $store "postgres_url_file" (printf "/etc/scimgate/postgres/%s" .gateway.store.postgres.key) -}}
{{- $_ := set $store "pepper_file" (printf "/etc/scimgate/postgres/%s" .gateway.store.postgres.pepperKey) -}}
{{- with .gateway.store.postgres.caKey -}}
{{- $_ := set $store "postgres_ca" (printf "/etc/scimgate/postgres/%s" .) -}}
{{- end -}}
{{- end -}}
{{- $fixed := dict "server" $server "ops" (dict "listen" "0.0.0.0:9090") "catalog" $catalog "store" $store -}}
{{- mergeOverwrite (deepCopy .gateway.config) $fixed | toPrettyJson -}}
{{- end }}

{{/*
The ConfigMaps of a gateway. Only the first means a restart when it changes; the others are
reloaded by the running gateway.
*/}}
{{- define "scimgate.configmaps" -}}
{{- include "scimgate.guards" . -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "scimgate.metadata" (merge (dict "suffix" "-config") .) | nindent 2 }}
data:
  scimgate.json: |-
    {{- include "scimgate.config" . | nindent 4 }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "scimgate.metadata" (merge (dict "suffix" "-tenants") .) | nindent 2 }}
data:
  {{- range $tenant, $text := .gateway.tenants }}
  {{ $tenant }}.toml: {{ $text | toJson }}
  {{- else }}
  {}
  {{- end }}
{{- if eq (include "scimgate.ownAdapters" .) "yes" }}
{{- range $kind := list "adapters" "scripts" }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "scimgate.metadata" (merge (dict "suffix" (printf "-%s" $kind)) $) | nindent 2 }}
data:
  {{- range $file, $text := index $.gateway $kind }}
  {{ $file }}: {{ $text | toJson }}
  {{- end }}
{{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "scimgate.metadata" (merge (dict "suffix" "-transcripts") .) | nindent 2 }}
data:
  {{- range $vendor, $files := .gateway.transcripts }}
  {{- range $file, $text := $files }}
  {{ $vendor }}.{{ $file }}: {{ $text | toJson }}
  {{- end }}
  {{- else }}
  {}
  {{- end }}
{{- end }}
{{- end }}
