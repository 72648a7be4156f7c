{{/* The gateway's container, as one item of a list. */}}
{{- define "scimgate.container" -}}
{{- include "scimgate.guards" . -}}
{{- $gateway := .gateway -}}
- name: scimgate
  image: {{ include "scimgate.image" . | quote }}
  imagePullPolicy: {{ $gateway.image.pullPolicy }}
  {{- if .sidecar }}
  restartPolicy: Always
  {{- end }}
  args: {{ concat (list "-c" "/etc/scimgate/config/scimgate.json" "serve") $gateway.extraArgs | toJson }}
  {{- with $gateway.extraEnv }}
  env:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $gateway.envFrom }}
  envFrom:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - {name: scim, containerPort: 8080, protocol: TCP}
    - {name: scim-ops, containerPort: 9090, protocol: TCP}
  startupProbe:
    httpGet: {path: /startupz, port: scim-ops}
    {{- toYaml $gateway.startupProbe | nindent 4 }}
  livenessProbe:
    httpGet: {path: /livez, port: scim-ops}
    {{- toYaml $gateway.livenessProbe | nindent 4 }}
  readinessProbe:
    httpGet: {path: /readyz, port: scim-ops}
    {{- toYaml $gateway.readinessProbe | nindent 4 }}
  lifecycle:
    {{- if $gateway.lifecycle }}
    {{- toYaml $gateway.lifecycle | nindent 4 }}
    {{- else }}
    preStop:
      sleep: {seconds: {{ $gateway.preStopSeconds }}}
    {{- end }}
  terminationMessagePolicy: FallbackToLogsOnError
  securityContext:
    {{- include "scimgate.securityContext" (dict "root" .root "context" $gateway.securityContext) | nindent 4 }}
  resources:
    {{- toYaml $gateway.resources | nindent 4 }}
  volumeMounts:
    - {name: scimgate-config, mountPath: /etc/scimgate/config, readOnly: true}
    - {name: scimgate-tenants, mountPath: /etc/scimgate/tenants, readOnly: true}
    - {name: scimgate-state, mountPath: /var/lib/scimgate}
    {{- if eq (include "scimgate.ownAdapters" .) "yes" }}
    {{- range $kind := list "adapters" "scripts" "transcripts" }}
    - {name: scimgate-{{ $kind }}, mountPath: /etc/scimgate/own/{{ $kind }}, readOnly: true}
    {{- end }}
    {{- end }}
    {{- range $name, $_ := $gateway.tenantSecrets }}
    - {name: scimgate-secret-{{ $name }}, mountPath: /etc/scimgate/secrets/{{ $name }}, readOnly: true}
    {{- end }}
    {{- if $gateway.tls.existingSecret }}
    - {name: scimgate-tls, mountPath: /etc/scimgate/tls, readOnly: true}
    {{- end }}
    {{- if eq $gateway.store.type "postgres" }}
    - {name: scimgate-postgres, mountPath: /etc/scimgate/postgres, readOnly: true}
    {{- end }}
    {{- with $gateway.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* Its volumes, as items of a list. */}}
{{- define "scimgate.volumes" -}}
{{- $gateway := .gateway -}}
{{- $name := include "scimgate.name" . -}}
- name: scimgate-config
  configMap: {name: {{ $name }}-config}
- name: scimgate-tenants
  projected:
    sources:
      - configMap: {name: {{ $name }}-tenants}
      {{- range $gateway.existingTenantConfigMaps }}
      - configMap: {name: {{ . }}}
      {{- end }}
{{- if eq $gateway.store.type "postgres" }}
- name: scimgate-state
  emptyDir: {}
- name: scimgate-postgres
  secret: {secretName: {{ $gateway.store.postgres.existingSecret }}, defaultMode: 0440}
{{- else if $gateway.store.existingClaim }}
- name: scimgate-state
  persistentVolumeClaim: {claimName: {{ $gateway.store.existingClaim }}}
{{- else if $gateway.store.ephemeral }}
- name: scimgate-state
  emptyDir: {}
{{- end }}
{{- if eq (include "scimgate.ownAdapters" .) "yes" }}
{{- range $kind := list "adapters" "scripts" }}
- name: scimgate-{{ $kind }}
  configMap: {name: {{ $name }}-{{ $kind }}}
{{- end }}
- name: scimgate-transcripts
  configMap:
    name: {{ $name }}-transcripts
    {{- if $gateway.transcripts }}
    # A ConfigMap has no folders; here each vendor gets its own.
    items:
      {{- range $vendor, $files := $gateway.transcripts }}
      {{- range $file, $_ := $files }}
      - {key: {{ $vendor }}.{{ $file }}, path: {{ $vendor }}/{{ $file }}}
      {{- end }}
      {{- end }}
    {{- end }}
{{- end }}
{{- range $secret, $existing := $gateway.tenantSecrets }}
- name: scimgate-secret-{{ $secret }}
  secret: {secretName: {{ $existing }}, defaultMode: 0440}
{{- end }}
{{- with $gateway.tls.existingSecret }}
- name: scimgate-tls
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- with $gateway.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
