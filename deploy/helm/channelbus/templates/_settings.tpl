{{/* The settings that all services share. */}}
{{- define "channelbus.settings" -}}
{{- $values := .Values -}}
HOST: 0.0.0.0
PORT: "8080"
OPS_PORT: "9080"
SANDBOX: {{ $values.sandbox | quote }}
INTERNAL_KEYS_FILE: /run/channelbus/keys/internal-keys
{{ include "channelbus.databaseSettings" . }}
DATABASE_POOL_SIZE: {{ $values.database.pool.size | quote }}
DATABASE_POOL_OVERFLOW: {{ $values.database.pool.overflow | quote }}
DATABASE_BUS_POOL_SIZE: {{ $values.database.pool.bus | quote }}
DATABASE_READERS_MAX: {{ $values.database.pool.readers | quote }}
KAFKA_SECURITY_PROTOCOL: {{ $values.kafka.securityProtocol }}
{{- if hasPrefix "SASL" $values.kafka.securityProtocol }}
KAFKA_SASL_MECHANISM: {{ $values.kafka.saslMechanism }}
KAFKA_SASL_PASSWORD_FILE: /run/channelbus/kafka/password
{{- if not $values.strimzi.enabled }}
KAFKA_SASL_USERNAME_FILE: /run/channelbus/kafka/username
{{- end }}
{{- end }}
{{- if include "channelbus.kafkaCa" . }}
KAFKA_CA_FILE: /run/channelbus/kafka-ca/ca.crt
{{- end }}
{{- if include "channelbus.kafkaCertificate" (dict "root" . "service" "any") }}
KAFKA_CERT_FILE: /run/channelbus/kafka-certificate/tls.crt
KAFKA_KEY_FILE: /run/channelbus/kafka-certificate/tls.key
{{- end }}
{{- if $values.tls.existingSecret }}
HTTP_CERT_FILE: /run/channelbus/tls/tls.crt
HTTP_KEY_FILE: /run/channelbus/tls/tls.key
HTTP_CA_FILE: /run/channelbus/tls/ca.crt
{{- end }}
{{- range $service, $facts := include "channelbus.facts" . | fromJson }}
{{- if ne $service "gateway" }}
{{ upper $facts.package }}_URL: {{ include "channelbus.scheme" $ }}://{{ include "channelbus.fullname" $ }}-{{ $service }}:8080
{{- end }}
{{- end }}
{{- with $values.upstream.url }}
UPSTREAM_URL: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* What a migration needs of them: the database, and what every service's settings ask for. */}}
{{- define "channelbus.databaseSettings" -}}
DATABASE_URL_FILE: /run/channelbus/database/url
DATABASE_PREFIX: {{ .Values.database.prefix | quote }}
{{- with include "channelbus.databaseMode" . }}
DATABASE_SSL_MODE: {{ . }}
{{- end }}
{{- if include "channelbus.databaseCa" . }}
DATABASE_CA_FILE: /run/channelbus/database-ca/ca.crt
{{- end }}
{{- if .Values.cloudnativepg.pooler.enabled }}
DATABASE_HOSTS: {{ include "channelbus.fullname" . }}-db-pooler:5432
{{- end }}
KAFKA_BOOTSTRAP_SERVERS: {{ include "channelbus.kafkaServers" . | quote }}
TOPIC_PREFIX: {{ .Values.kafka.topicPrefix | quote }}
KAFKA_PARTITIONS: {{ .Values.kafka.partitions | quote }}
{{- end -}}

{{/* What one service has beside them, its role included. Of (dict root workload). */}}
{{- define "channelbus.ownSettings" -}}
{{- $root := .root -}}
{{- $service := .workload.service -}}
ROLE: {{ .workload.role }}
DRAIN_SECONDS: {{ $root.Values.lifecycle.drainSeconds | quote }}
SHUTDOWN_SECONDS: {{ $root.Values.lifecycle.shutdownSeconds | quote }}
{{- if and $root.Values.strimzi.enabled (hasPrefix "SASL" $root.Values.kafka.securityProtocol) }}
KAFKA_SASL_USERNAME: {{ include "channelbus.fullname" $root }}-{{ $service }}
{{- end }}
{{- if eq $service "billing" }}
ENCRYPTION_KEYS_FILE: /run/channelbus/keys/encryption-keys
{{- end }}
{{- if eq $service "gateway" }}
ADMIN_TOKEN_FILE: /run/channelbus/keys/admin-token
ENCRYPTION_KEYS_FILE: /run/channelbus/keys/encryption-keys
{{- range $peer, $facts := include "channelbus.facts" $root | fromJson }}
{{ upper $facts.package }}_OPS_URL: {{ include "channelbus.scheme" $root }}://{{ include "channelbus.fullname" $root }}-{{ $peer }}:9080
{{- end }}
{{- end }}
{{- if and (eq $service "customer-sync") $root.Values.upstream.url }}
UPSTREAM_DOMAIN_ID: {{ $root.Values.upstream.domainId | quote }}
UPSTREAM_AK_FILE: /run/channelbus/upstream/ak
UPSTREAM_SK_FILE: /run/channelbus/upstream/sk
{{- end }}
{{- end -}}

{{/* The secret with a service's client certificate for Kafka; empty where it shows none. */}}
{{- define "channelbus.kafkaCertificate" -}}
{{- $values := .root.Values -}}
{{- if $values.kafka.certSecret -}}
{{- $values.kafka.certSecret -}}
{{- else if and $values.strimzi.enabled (eq $values.kafka.securityProtocol "SSL") -}}
{{- include "channelbus.fullname" .root }}-{{ .service }}
{{- end -}}
{{- end -}}

{{/* The files of one service's pod. Of (dict root service migrates). */}}
{{- define "channelbus.volumes" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
- name: tmp
  emptyDir: { sizeLimit: 256Mi }
- name: database
  secret:
    secretName: {{ include "channelbus.databaseSecret" $root }}
    defaultMode: 0440
    items: [{ key: {{ ternary "uri" "url" $values.cloudnativepg.enabled }}, path: url }]
{{- with include "channelbus.databaseCa" $root }}
- name: database-ca
  secret: { secretName: {{ . }}, defaultMode: 0440, items: [{ key: ca.crt, path: ca.crt }] }
{{- end }}
- name: keys
  secret:
    secretName: {{ $values.secrets.existingSecret }}
    defaultMode: 0440
    items:
      - { key: internal-keys, path: internal-keys }
      {{- if and (eq .service "gateway") (not .migrates) }}
      - { key: admin-token, path: admin-token }
      {{- end }}
      {{- if and (has .service (list "gateway" "billing")) (not .migrates) }}
      - { key: encryption-keys, path: encryption-keys }
      {{- end }}
{{- if not .migrates }}
{{- if hasPrefix "SASL" $values.kafka.securityProtocol }}
- name: kafka
  secret:
    secretName: {{ ternary (printf "%s-%s" (include "channelbus.fullname" $root) .service) $values.kafka.existingSecret $values.strimzi.enabled }}
    defaultMode: 0440
    items:
      - { key: password, path: password }
      {{- if not $values.strimzi.enabled }}
      - { key: username, path: username }
      {{- end }}
{{- end }}
{{- with include "channelbus.kafkaCa" $root }}
- name: kafka-ca
  secret: { secretName: {{ . }}, defaultMode: 0440, items: [{ key: ca.crt, path: ca.crt }] }
{{- end }}
{{- with include "channelbus.kafkaCertificate" . }}
- name: kafka-certificate
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    {{- $isUsers := and $values.strimzi.enabled (not $values.kafka.certSecret) }}
    items:
      - { key: {{ ternary "user.crt" "tls.crt" $isUsers }}, path: tls.crt }
      - { key: {{ ternary "user.key" "tls.key" $isUsers }}, path: tls.key }
{{- end }}
{{- with $values.tls.existingSecret }}
- name: tls
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items: [{ key: tls.crt, path: tls.crt }, { key: tls.key, path: tls.key }, { key: ca.crt, path: ca.crt }]
{{- end }}
{{- if and (eq .service "customer-sync") $values.upstream.url }}
- name: upstream
  secret:
    secretName: {{ $values.upstream.existingSecret }}
    defaultMode: 0440
    items: [{ key: ak, path: ak }, { key: sk, path: sk }]
{{- end }}
{{- end }}
{{- end -}}

{{/* Where each of those volumes is mounted. Of the same. */}}
{{- define "channelbus.mounts" -}}
{{- range $volume := include "channelbus.volumes" . | fromYamlArray }}
{{- if eq $volume.name "tmp" }}
- { name: tmp, mountPath: /tmp }
{{- else }}
- { name: {{ $volume.name }}, mountPath: /run/channelbus/{{ $volume.name }}, readOnly: true }
{{- end }}
{{- end }}
{{- end -}}

{{- define "channelbus.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- with .Values.security.runAsUser }}
  runAsUser: {{ int . }}
  runAsGroup: {{ int . }}
  fsGroup: {{ int . }}
  {{- end }}
  seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "channelbus.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities: { drop: [ALL] }
{{- end -}}
