{{/*
What cannot work is refused here too, for the values schema is skipped in some pipelines.
*/}}
{{- define "scimgate.guards" -}}
{{- $gateway := .gateway -}}
{{- $postgres := eq $gateway.store.type "postgres" -}}
{{- if and (not $postgres) (ne $gateway.store.type "sqlite") -}}
{{- fail (printf "store.type is %q: sqlite and postgres are possible" $gateway.store.type) -}}
{{- end -}}
{{- if and $postgres (not $gateway.store.postgres.existingSecret) -}}
{{- fail "store.type is postgres: name the Secret with its URL in store.postgres.existingSecret" -}}
{{- end -}}
{{- if and .sidecar (not $postgres) (not $gateway.store.existingClaim) (not $gateway.store.ephemeral) -}}
{{- fail "a sidecar needs a store: name a claim in store.existingClaim, use store.type postgres, or say store.ephemeral: true and lose tokens with the pod" -}}
{{- end -}}
{{- if and (include "scimgate.ownAdapters" .) (not (and $gateway.adapters $gateway.scripts)) -}}
{{- fail "adapters and scripts go together: a vendor is a manifest and a script of the same name" -}}
{{- end -}}
{{- range $gateway.extraVolumeMounts -}}
{{- if and .subPath (hasPrefix "/etc/scimgate" .mountPath) -}}
{{- fail (printf "extraVolumeMounts: %s is mounted with subPath; such a mount never changes while the pod runs. Mount a directory" .mountPath) -}}
{{- end -}}
{{- end -}}
{{- if .sidecar -}}
{{- include "scimgate.sidecar.replicas" . -}}
{{- end -}}
{{- range $name, $text := $gateway.tenants -}}
{{- include "scimgate.noSecret" (dict "name" $name "text" $text) -}}
{{- if not (regexMatch "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" $name) -}}
{{- fail (printf "tenants: %q is no tenant name: lower-case letters, digits and hyphens" $name) -}}
{{- end -}}
{{- end -}}
{{- range $key := list "server.listen" "server.tls" "ops.listen" "catalog.adapters" "catalog.scripts" "catalog.tenants" "catalog.transcripts" "store" -}}
{{- $parts := splitList "." $key -}}
{{- $section := index $gateway.config (first $parts) -}}
{{- if and $section (or (eq (len $parts) 1) (hasKey $section (last $parts))) -}}
{{- fail (printf "config.%s is set by the chart" $key) -}}
{{- end -}}
{{- end -}}
{{- $public := ($gateway.config.server | default dict).public_url -}}
{{- if $public -}}
{{- $url := urlParse $public -}}
{{- if trimSuffix "/" $url.path -}}
{{- fail (printf "config.server.public_url has the path %s: what is routed to the gateway are the paths of Tenant URLs, /t/<tenant>/scim/v2 and /scim/v2; leave the path out" $url.path) -}}
{{- end -}}
{{- $hosts := include "scimgate.hosts" . | fromYamlArray -}}
{{- if and $hosts (not (has $url.hostname $hosts)) (not (contains "*" (join "" $hosts))) -}}
{{- fail (printf "config.server.public_url names %s, and routed are %s: Entra could not reach the Tenant URLs that are printed" $url.hostname (join ", " $hosts)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/*
A secret in a tenant file would lie in a ConfigMap, which everybody in the namespace may read. TOML's
keys may be quoted, and a `#` in a string begins no comment.
*/}}
{{- define "scimgate.noSecret" -}}
{{- if regexMatch `(?m)^(?:[^#\n]|"[^"\n]*"|'[^'\n]*')*\bvalue["']?\s*=` .text -}}
{{- fail (printf "tenants.%s: a secret written as `value = …` would lie readable in a ConfigMap; put it into a Secret, name that in tenantSecrets.%s and write { file = \"/etc/scimgate/secrets/%s/<key>\" }" .name .name .name) -}}
{{- end -}}
{{- end }}

{{/* How many pods there will be, by the values that charts usually have for it. */}}
{{- define "scimgate.sidecar.replicas" -}}
{{- if eq .gateway.store.type "sqlite" -}}
{{- $values := .root.Values -}}
{{- range $key := list "replicaCount" "replicas" -}}
{{- $number := get $values $key -}}
{{- if and (not (kindIs "map" $number)) (gt (int $number) 1) -}}
{{- fail (printf "%s is %v, and SQLite has one writer: with more than one pod set store.type postgres for scimgate-sidecar" $key $number) -}}
{{- end -}}
{{- end -}}
{{- if and (kindIs "map" $values.autoscaling) (get ($values.autoscaling | default dict) "enabled") -}}
{{- fail "autoscaling is enabled, and SQLite has one writer: with more than one pod set store.type postgres for scimgate-sidecar" -}}
{{- end -}}
{{- end -}}
{{- end }}
