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
{{- range $name, $_ := $gateway.tenants -}}
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
{{- end }}
