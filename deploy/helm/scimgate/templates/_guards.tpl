{{/* Guards that only a gateway by itself needs. */}}
{{- define "scimgate.ownGuards" -}}
{{- $name := include "scimgate.name" (dict "root" . "gateway" .Values) -}}
{{- $sqlite := ne .Values.store.type "postgres" -}}
{{- if and $sqlite (or (gt (int .Values.replicaCount) 1) .Values.autoscaling.enabled) -}}
{{- fail "SQLite has one writer: with more than one replica, or with autoscaling, use store.type postgres" -}}
{{- end -}}
{{- if and $sqlite (gt (len $name) 52) -}}
{{- fail (printf "the name %s is longer than the 52 characters that a StatefulSet may have; set fullnameOverride" $name) -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled -}}
{{- fail "metrics: a ServiceMonitor and a PodMonitor would scrape everything twice; enable one" -}}
{{- end -}}
{{- $scraped := or .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled -}}
{{- if and $scraped .Values.networkPolicy.enabled (not .Values.networkPolicy.monitoringNamespace) -}}
{{- fail "networkPolicy.monitoringNamespace: name the namespace of Prometheus, or the NetworkPolicy drops its scrapes" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.hosts: name the host that Entra will call" -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.parentRefs: name the gateway that the route belongs to" -}}
{{- end -}}
{{- range $key := list "loadBalancerClass" "loadBalancerIP" "loadBalancerSourceRanges" -}}
{{- if and (index $.Values.service $key) (ne $.Values.service.type "LoadBalancer") -}}
{{- fail (printf "service.%s is only for service.type LoadBalancer" $key) -}}
{{- end -}}
{{- end -}}
{{- if and (or .Values.service.nodePort .Values.service.externalTrafficPolicy) (eq .Values.service.type "ClusterIP") -}}
{{- fail "service.nodePort and service.externalTrafficPolicy are for service.type NodePort or LoadBalancer" -}}
{{- end -}}
{{- end }}
