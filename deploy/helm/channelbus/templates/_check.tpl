{{/* What contradicts itself or is missing, each in a sentence; nothing is rendered half. */}}
{{- define "channelbus.check" -}}
{{- $values := .Values -}}
{{- $wrong := list -}}
{{- $name := include "channelbus.fullname" . -}}
{{- if gt (len $name) 40 -}}
{{- $wrong = append $wrong (printf "The release's name is too long: %s must have 40 characters at most." $name) -}}
{{- end -}}
{{- $wrong = concat $wrong (include "channelbus.checkKafka" . | fromJsonArray) -}}
{{- $wrong = concat $wrong (include "channelbus.checkDatabase" . | fromJsonArray) -}}
{{- if not $values.secrets.existingSecret -}}
{{- $wrong = append $wrong "Set secrets.existingSecret: a secret with the keys internal-keys, encryption-keys and admin-token." -}}
{{- end -}}
{{- $wrong = concat $wrong (include "channelbus.checkUpstream" . | fromJsonArray) -}}
{{- $wrong = concat $wrong (include "channelbus.checkWorkloads" . | fromJsonArray) -}}
{{- if and $values.ingress.enabled (not $values.ingress.hosts) -}}
{{- $wrong = append $wrong "Set ingress.hosts: ingress.enabled is true, and no host leads to the gateway." -}}
{{- end -}}
{{- if and $values.ingress.tls.secretName (not $values.ingress.enabled) -}}
{{- $wrong = append $wrong "ingress.tls.secretName is set, but ingress.enabled is false: set both or neither." -}}
{{- end -}}
{{- if and $values.gatewayApi.enabled (not $values.gatewayApi.parentRefs) -}}
{{- $wrong = append $wrong "Set gatewayApi.parentRefs: the route belongs to no Gateway." -}}
{{- end -}}
{{- with $wrong -}}
{{- fail (printf "\n\n%s\n" (join "\n" .)) -}}
{{- end -}}
{{- end -}}

{{- define "channelbus.checkKafka" -}}
{{- $wrong := list -}}
{{- $kafka := .Values.kafka -}}
{{- $strimzi := .Values.strimzi -}}
{{- $isSasl := hasPrefix "SASL" $kafka.securityProtocol -}}
{{- $isTls := hasSuffix "SSL" $kafka.securityProtocol -}}
{{- if and $strimzi.enabled (not $strimzi.clusterName) -}}
{{- $wrong = append $wrong "Set strimzi.clusterName: the name of the Kafka resource whose operators make topics and users." -}}
{{- end -}}
{{- if not (or $kafka.bootstrapServers $strimzi.enabled) -}}
{{- $wrong = append $wrong "Set kafka.bootstrapServers: Kafka's address, host:port by comma (or strimzi.enabled)." -}}
{{- end -}}
{{- if and $isSasl (not (or $kafka.existingSecret $strimzi.enabled)) -}}
{{- $wrong = append $wrong (printf "Set kafka.existingSecret: kafka.securityProtocol %s needs a secret with the keys username and password." $kafka.securityProtocol) -}}
{{- end -}}
{{- if and $kafka.existingSecret $strimzi.enabled -}}
{{- $wrong = append $wrong "Leave kafka.existingSecret out: with strimzi.enabled each service has a KafkaUser of its own." -}}
{{- end -}}
{{- if and $kafka.existingSecret (not $isSasl) -}}
{{- $wrong = append $wrong (printf "kafka.existingSecret is of no use with kafka.securityProtocol %s: set SASL_SSL or SASL_PLAINTEXT, or leave it out." $kafka.securityProtocol) -}}
{{- end -}}
{{- if and (or $kafka.caSecret $kafka.certSecret) (not $isTls) -}}
{{- $wrong = append $wrong (printf "kafka.caSecret and kafka.certSecret are of no use with kafka.securityProtocol %s: set SSL or SASL_SSL, or leave them out." $kafka.securityProtocol) -}}
{{- end -}}
{{- if and $strimzi.enabled $isSasl (ne $kafka.saslMechanism "SCRAM-SHA-512") -}}
{{- $wrong = append $wrong "Set kafka.saslMechanism to SCRAM-SHA-512: Strimzi's users have no other." -}}
{{- end -}}
{{- if gt (int $strimzi.minInsyncReplicas) (int $strimzi.replicas) -}}
{{- $wrong = append $wrong "strimzi.minInsyncReplicas is larger than strimzi.replicas: nothing could be written." -}}
{{- end -}}
{{- toJson $wrong -}}
{{- end -}}

{{- define "channelbus.checkDatabase" -}}
{{- $wrong := list -}}
{{- $database := .Values.database -}}
{{- $own := .Values.cloudnativepg -}}
{{- if not (or $database.existingSecret $own.enabled) -}}
{{- $wrong = append $wrong "Set database.existingSecret: a secret with the key url, postgresql://user:password@host:port (or cloudnativepg.enabled)." -}}
{{- end -}}
{{- if and $database.existingSecret $own.enabled -}}
{{- $wrong = append $wrong "database.existingSecret and cloudnativepg.enabled name two databases: leave one out." -}}
{{- end -}}
{{- if and $own.pooler.enabled (not $own.enabled) -}}
{{- $wrong = append $wrong "cloudnativepg.pooler.enabled needs cloudnativepg.enabled: the pooler is that cluster's." -}}
{{- end -}}
{{- if and (hasPrefix "verify" $database.sslMode) (not (or $database.caSecret $own.enabled)) -}}
{{- $wrong = append $wrong (printf "Set database.caSecret: database.sslMode %s needs a secret with the key ca.crt." $database.sslMode) -}}
{{- end -}}
{{- if and $database.caSecret (not (hasPrefix "verify" (include "channelbus.databaseMode" .))) -}}
{{- $wrong = append $wrong "database.caSecret is of no use without database.sslMode verify-full or verify-ca: set it, or leave it out." -}}
{{- end -}}
{{- $needed := include "channelbus.connections" . | int -}}
{{- $allowed := sub $database.maxConnections 20 | int -}}
{{- if gt $needed $allowed -}}
{{- $wrong = append $wrong (printf "The services may open %d connections, and the database allows them %d (database.maxConnections %d less 20 for operators and migrations): let the server allow more and say so in database.maxConnections, or make database.pool or the replicas smaller." $needed $allowed (int $database.maxConnections)) -}}
{{- end -}}
{{- toJson $wrong -}}
{{- end -}}

{{/* How many connections all processes may have at once: those of each pool, and the relay's. */}}
{{- define "channelbus.connections" -}}
{{- $pool := .Values.database.pool -}}
{{- $each := add $pool.size $pool.overflow $pool.bus $pool.readers 1 -}}
{{- $processes := 0 -}}
{{- range (include "channelbus.workloads" . | fromJson).all -}}
{{- $most := int .replicas -}}
{{- if ne $.Values.autoscaling.mode "none" -}}
{{- $most = max $most (int $.Values.autoscaling.maxReplicas) -}}
{{- end -}}
{{- $processes = add $processes $most -}}
{{- end -}}
{{- mul $processes $each -}}
{{- end -}}

{{- define "channelbus.checkUpstream" -}}
{{- $wrong := list -}}
{{- with .Values.upstream -}}
{{- if and .url (not (and .domainId .existingSecret)) -}}
{{- $wrong = append $wrong "Set upstream.domainId and upstream.existingSecret (keys ak and sk): upstream.url names a Partner Center, and nothing says who asks it." -}}
{{- end -}}
{{- if and (or .domainId .existingSecret) (not .url) -}}
{{- $wrong = append $wrong "Set upstream.url, or leave upstream.domainId and upstream.existingSecret out: without it no Partner Center is asked." -}}
{{- end -}}
{{- if and .url $.Values.sandbox -}}
{{- $wrong = append $wrong "sandbox is for a standalone system: leave it or upstream.url out." -}}
{{- end -}}
{{- end -}}
{{- toJson $wrong -}}
{{- end -}}

{{- define "channelbus.checkWorkloads" -}}
{{- $wrong := list -}}
{{- $values := .Values -}}
{{- $partitions := int $values.kafka.partitions -}}
{{- $scaled := ne $values.autoscaling.mode "none" -}}
{{- range $workload := (include "channelbus.workloads" . | fromJson).all -}}
{{- $own := index $values.services $workload.service -}}
{{- if and $workload.works (gt (int $workload.replicas) $partitions) -}}
{{- $wrong = append $wrong (printf "services.%s has %d replicas that work, and kafka.partitions is %d: the others would have no partition." $workload.service (int $workload.replicas) $partitions) -}}
{{- end -}}
{{- if and $scaled (gt (int $workload.replicas) (int $values.autoscaling.maxReplicas)) -}}
{{- $wrong = append $wrong (printf "autoscaling.maxReplicas %d is smaller than the %d replicas of %s." (int $values.autoscaling.maxReplicas) (int $workload.replicas) $workload.component) -}}
{{- end -}}
{{- if eq $workload.role "all" -}}
{{- if or $own.api.replicas $own.worker.replicas -}}
{{- $wrong = append $wrong (printf "services.%s.api.replicas and worker.replicas are of no use without services.%s.split." $workload.service $workload.service) -}}
{{- end -}}
{{- end -}}
{{- range $key := keys $own.extraEnv | sortAlpha -}}
{{- $set := merge (include "channelbus.settings" $ | fromYaml) (include "channelbus.ownSettings" (dict "root" $ "workload" $workload) | fromYaml) -}}
{{- range $given := list $key (printf "%s_FILE" $key) -}}
{{- if hasKey $set $given -}}
{{- $wrong = append $wrong (printf "services.%s.extraEnv says %s, which the chart sets by a value of its own." $workload.service $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $scaled (gt (int $values.autoscaling.maxReplicas) $partitions) -}}
{{- $wrong = append $wrong (printf "autoscaling.maxReplicas %d is larger than kafka.partitions %d: the others would have no partition." (int $values.autoscaling.maxReplicas) $partitions) -}}
{{- end -}}
{{- if and (eq $values.autoscaling.mode "keda") (not $values.autoscaling.keda.prometheusAddress) -}}
{{- $wrong = append $wrong "Set autoscaling.keda.prometheusAddress: KEDA asks Prometheus for the lag." -}}
{{- end -}}
{{- $least := add $values.lifecycle.drainSeconds 30 -}}
{{- if lt (int $values.lifecycle.shutdownSeconds) (int $least) -}}
{{- $wrong = append $wrong (printf "lifecycle.shutdownSeconds must be at least %d: draining, and 30 seconds for a batch in hand." (int $least)) -}}
{{- end -}}
{{- toJson $wrong -}}
{{- end -}}
