{{- define "vault.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "vault.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "vault.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "vault.selector" -}}
app.kubernetes.io/name: {{ include "vault.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "vault.labels" -}}
{{ include "vault.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "vault.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "vault.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "vault.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "vault.publicUrl" -}}
{{- if .Values.publicUrl -}}
{{ .Values.publicUrl }}
{{- else if .Values.ingress.enabled -}}
{{ ternary "https" "http" (not (empty .Values.ingress.tlsSecret)) }}://{{ .Values.ingress.host }}
{{- end -}}
{{- end -}}

{{- define "vault.trustProxy" -}}
{{- if kindIs "bool" .Values.trustProxy -}}{{ .Values.trustProxy }}{{- else -}}{{ .Values.ingress.enabled }}{{- end -}}
{{- end -}}

{{- define "vault.configSecret" -}}
{{- if .Values.existingConfigSecret -}}
{{ .Values.existingConfigSecret }}
{{- else if .Values.config -}}
{{ include "vault.fullname" . }}
{{- end -}}
{{- end -}}

{{/* What would lose recordings, or never start, is refused before anything is made. */}}
{{- define "vault.refuse" -}}
{{- $v := .Values -}}
{{- $postgres := $v.database.existingSecret -}}
{{- $declared := or $v.config $v.existingConfigSecret $v.env $v.envFrom -}}
{{- if and (gt (int $v.replicas) 1) (not $postgres) -}}
{{- fail "replicas: more than 1 needs PostgreSQL, because SQLite belongs to one vault. Set database.existingSecret, or replicas to 1." -}}
{{- end -}}
{{- if and $postgres (not $v.masterKey.existingSecret) -}}
{{- fail "masterKey.existingSecret: PostgreSQL needs it, because each pod would make a key of its own. Make one with: kubectl create secret generic vault-master-key --from-literal=master-key=\"$(openssl rand -base64 32)\"" -}}
{{- end -}}
{{- if and (not $postgres) (not $v.persistence.enabled) -}}
{{- fail "persistence.enabled: SQLite needs it, because the database would end with its pod. Set it to true, or set database.existingSecret." -}}
{{- end -}}
{{- if and $postgres (gt (int $v.replicas) 1) $v.persistence.enabled -}}
{{- fail "persistence.enabled: must be false with more than 1 replica, because the vaults cannot share one folder; with PostgreSQL they need none." -}}
{{- end -}}
{{- if and $postgres (not $v.persistence.enabled) (not $declared) -}}
{{- fail "config: without a volume it has to declare a provider and an account, because the first start would put recordings into a folder that ends with its pod. Set config, existingConfigSecret, env or envFrom." -}}
{{- end -}}
{{- if and $v.config $v.existingConfigSecret -}}
{{- fail "config and existingConfigSecret are both set: choose one." -}}
{{- end -}}
{{- if and $v.ingress.enabled (not $v.ingress.host) -}}
{{- fail "ingress.host: required when ingress.enabled is true." -}}
{{- end -}}
{{- if and $v.metrics.serviceMonitor.enabled (not $v.metrics.existingSecret) (not $v.metrics.anonymous) -}}
{{- fail "metrics.existingSecret: the ServiceMonitor needs it, because /metrics is closed. Set it, or metrics.anonymous to true." -}}
{{- end -}}
{{- if and $v.networkPolicy.enabled (not $v.networkPolicy.from) -}}
{{- fail "networkPolicy.from: required when networkPolicy.enabled is true, because nobody could reach the vault." -}}
{{- end -}}
{{- end -}}
