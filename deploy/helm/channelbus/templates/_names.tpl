{{/* The prefix of every name: the release's, with the chart's where it does not say it. */}}
{{- define "channelbus.fullname" -}}
{{- $name := .Release.Name -}}
{{- if not (contains "channelbus" $name) -}}
{{- $name = printf "%s-channelbus" $name -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* Labels that never change: what selectors go by. Of (dict root component). */}}
{{- define "channelbus.selector" -}}
app.kubernetes.io/name: channelbus
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Labels of one object. Of (dict root component). */}}
{{- define "channelbus.labels" -}}
{{ include "channelbus.selector" . }}
app.kubernetes.io/part-of: channelbus
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* What the chart knows of each service, as JSON. */}}
{{- define "channelbus.facts" -}}
{{- .Files.Get "files/services.yaml" | fromYaml | toJson -}}
{{- end -}}

{{/*
Every workload, as JSON below "all": its component's name, service, role, replicas, whether it serves
requests and whether it works. Who answers requests has the service's name, split or not: so work is
split off, and taken back, pod by pod and without a gap.
*/}}
{{- define "channelbus.workloads" -}}
{{- $all := list -}}
{{- $facts := include "channelbus.facts" . | fromJson -}}
{{- range $service := keys $facts | sortAlpha -}}
{{- $own := index $.Values.services $service -}}
{{- if $own.split -}}
{{- range $role := list "api" "worker" -}}
{{- $replicas := (index $own $role).replicas | default $own.replicas | int -}}
{{- $all = append $all (dict "component" (ternary $service (printf "%s-%s" $service $role) (eq $role "api")) "service" $service "role" $role "replicas" $replicas "serves" (eq $role "api") "works" (eq $role "worker")) -}}
{{- end -}}
{{- else -}}
{{- $all = append $all (dict "component" $service "service" $service "role" "all" "replicas" (int $own.replicas) "serves" true "works" true) -}}
{{- end -}}
{{- end -}}
{{- dict "all" $all | toJson -}}
{{- end -}}

{{/* Of (dict root service). */}}
{{- define "channelbus.image" -}}
{{- $values := .root.Values -}}
{{- $name := printf "%s/%s" $values.image.repository .service -}}
{{- if $values.global.imageRegistry -}}
{{- $name = printf "%s/%s" (trimSuffix "/" $values.global.imageRegistry) $name -}}
{{- end -}}
{{- with get $values.image.digests .service -}}
{{- printf "%s@%s" $name . -}}
{{- else -}}
{{- printf "%s:%s" $name ($values.image.tag | default $.root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "channelbus.pullSecrets" -}}
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* How the services are spoken to. */}}
{{- define "channelbus.scheme" -}}
{{- ternary "https" "http" (ne .Values.tls.existingSecret "") -}}
{{- end -}}

{{/* The secret with the database's URL, and its key. */}}
{{- define "channelbus.databaseSecret" -}}
{{- if .Values.cloudnativepg.enabled -}}
{{- include "channelbus.fullname" . }}-db-app
{{- else -}}
{{- .Values.database.existingSecret -}}
{{- end -}}
{{- end -}}

{{- define "channelbus.databaseMode" -}}
{{- if .Values.database.sslMode -}}
{{- .Values.database.sslMode -}}
{{- else if .Values.cloudnativepg.enabled -}}
{{- ternary "verify-ca" "verify-full" .Values.cloudnativepg.pooler.enabled -}}
{{- end -}}
{{- end -}}

{{- define "channelbus.databaseCa" -}}
{{- if .Values.database.caSecret -}}
{{- .Values.database.caSecret -}}
{{- else if .Values.cloudnativepg.enabled -}}
{{- include "channelbus.fullname" . }}-db-ca
{{- end -}}
{{- end -}}

{{- define "channelbus.kafkaServers" -}}
{{- if .Values.kafka.bootstrapServers -}}
{{- .Values.kafka.bootstrapServers -}}
{{- else -}}
{{- printf "%s-kafka-bootstrap:%s" .Values.strimzi.clusterName (ternary "9092" "9093" (eq .Values.kafka.securityProtocol "PLAINTEXT")) -}}
{{- end -}}
{{- end -}}

{{- define "channelbus.kafkaCa" -}}
{{- if .Values.kafka.caSecret -}}
{{- .Values.kafka.caSecret -}}
{{- else if and .Values.strimzi.enabled (hasSuffix "SSL" .Values.kafka.securityProtocol) -}}
{{- .Values.strimzi.clusterName }}-cluster-ca-cert
{{- end -}}
{{- end -}}

{{/* Networks that belong to nobody in the world: neither upstream nor webhooks are there. */}}
{{- define "channelbus.world" -}}
- ipBlock:
    cidr: 0.0.0.0/0
    except: [0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]
- ipBlock:
    cidr: "::/0"
    except: ["::1/128", "fc00::/7", "fe80::/10"]
{{- end -}}
