{{/* The name of all objects: the release's, with the chart's where that is not in it. */}}
{{- define "kinde-authz.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains "kinde-authz" $name) }}{{ $name = printf "%s-kinde-authz" $name }}{{ end -}}
{{- .Values.fullnameOverride | default $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "kinde-authz.selector" -}}
app.kubernetes.io/name: kinde-authz
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "kinde-authz.labels" -}}
{{ include "kinde-authz.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "kinde-authz.metadata" -}}
name: {{ include "kinde-authz.name" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "kinde-authz.labels" . | nindent 2 }}
{{- end -}}

{{- define "kinde-authz.image" -}}
{{- $image := .Values.image -}}
{{- $tag := $image.tag | default .Chart.AppVersion -}}
{{- $image.repository }}{{ if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $tag }}{{ end -}}
{{- end -}}

{{/* The Secret with the certificate of the gRPC port. */}}
{{- define "kinde-authz.tlsSecret" -}}
{{ .Values.mtls.secretName | default (printf "%s-tls" (include "kinde-authz.name" .)) }}
{{- end -}}

{{/* The settings file: the settings, and domain, audience and allowedOrgs as their only issuer. */}}
{{- define "kinde-authz.settings" -}}
{{- $settings := .Values.settings -}}
{{- $issuers := get $settings "issuers" -}}
{{- if and .Values.domain $issuers -}}
{{- fail "domain and settings.issuers both name issuers: leave one of them out" -}}
{{- else if not (or .Values.domain $issuers) -}}
{{- fail "no issuer: set domain, like https://yourapp.kinde.com, or settings.issuers" -}}
{{- else if and (or .Values.audience .Values.allowedOrgs) (not .Values.domain) -}}
{{- fail "audience and allowedOrgs belong to domain: with settings.issuers, write them there" -}}
{{- end -}}
{{- if .Values.domain -}}
{{- $issuer := dict "domain" .Values.domain -}}
{{- with .Values.audience }}{{ $_ := set $issuer "audience" . }}{{ end -}}
{{- with .Values.allowedOrgs }}{{ $_ := set $issuer "allowed_orgs" . }}{{ end -}}
{{- $settings = merge (dict "issuers" (list $issuer)) $settings -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{/* Whose certificates are let in: those listed, else Envoy's where the chart makes it. */}}
{{- define "kinde-authz.clientNames" -}}
{{- if .Values.mtls.clientNames }}
{{- join "," .Values.mtls.clientNames }}
{{- else if not .Values.mtls.secretName }}
{{- include "kinde-authz.name" . }}-client
{{- end }}
{{- end }}
