{{- define "orderhub.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "orderhub.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "orderhub.labels" -}}
{{ include "orderhub.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "orderhub.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "orderhub.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{/* What cannot be, in words. */}}
{{- define "orderhub.check" -}}
{{- if and (eq .Values.store.kind "sqlite") (gt (int .Values.replicas) 1) }}
{{- fail (printf "replicas is %d, but store.kind is sqlite, and a file has one process: set store.kind to postgres with its url, or replicas to 1" (int .Values.replicas)) }}
{{- end }}
{{- if and (eq .Values.store.kind "postgres") (not .Values.store.postgres.url) }}
{{- fail "store.kind is postgres, but store.postgres.url is empty: name the database, postgres://user@host:5432/database" }}
{{- end }}
{{- if regexMatch "^[a-z]+://[^/@]*:[^/@]*@" .Values.store.postgres.url }}
{{- fail "store.postgres.url holds a password, which everybody who may read the release would see: put it into a Secret and name that in store.postgres.passwordSecret" }}
{{- end }}
{{- if regexMatch "^[a-z]+://[^/@]*:[^/@]*@" .Values.bus.url }}
{{- fail "bus.url holds a password, which everybody who may read the release would see: put it into a Secret and name that in bus.passwordSecret" }}
{{- end }}
{{- if not .Values.access.tokens }}
{{- fail "access.tokens is empty, and in a cluster others can reach the hub: `orderhub token create` prints a token and the sha256 for access.tokens.<name>" }}
{{- end }}
{{- range $integration, $name := .Values.mappingsFrom }}
{{- if hasKey $.Values.mappings $integration }}
{{- fail (printf "the integration %s stands in mappings and in mappingsFrom: name it in one of them" $integration) }}
{{- end }}
{{- end }}
{{- $mounts := dict }}
{{- range .Values.secrets }}
{{- if hasKey $mounts .name }}
{{- fail (printf "secrets has the name %s twice: each is a folder of its own" .name) }}
{{- end }}
{{- $_ := set $mounts .name true }}
{{- end }}
{{- end }}

{{/* orderhub.toml: what was written, and the tokens. TOML and JSON escape texts alike. */}}
{{- define "orderhub.settings" -}}
{{ .Values.settings | trim }}
{{- range $name, $token := .Values.access.tokens }}

[access.tokens.{{ $name }}]
sha256 = {{ $token.sha256 | toJson }}
role = {{ $token.role | toJson }}
{{- end }}
{{- end }}

{{/* The name of a volume and of a ConfigMap: lower case, digits, hyphens. */}}
{{- define "orderhub.dns" -}}
{{- . | lower | replace "_" "-" | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* One pod, whatever makes it. */}}
{{- define "orderhub.pod" -}}
metadata:
  labels:
    {{- include "orderhub.selector" . | nindent 4 }}
    {{- with .Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    # The hub reads its settings and mapping files at the start.
    checksum/settings: {{ include "orderhub.settings" . | sha256sum }}
    checksum/mappings: {{ .Values.mappings | toJson | sha256sum }}
    {{- with .Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ include "orderhub.serviceAccount" . }}
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: { type: RuntimeDefault }
  containers:
    - name: orderhub
      image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [run, --config, /etc/orderhub/orderhub.toml]
      env:
        - { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
        - { name: ORDERHUB__SERVER__INSTANCE, value: $(POD_NAME) }
        - { name: ORDERHUB__SERVER__LISTEN, value: "0.0.0.0:8080" }
        # Until all that send calls have heard that the pod is going.
        - { name: ORDERHUB__SERVER__DRAIN_SECONDS, value: "5" }
        - { name: ORDERHUB__MAPPINGS__PATH, value: /etc/orderhub/mappings }
        - { name: ORDERHUB_LOG, value: {{ .Values.log.filter | quote }} }
        - { name: ORDERHUB_LOG_FORMAT, value: {{ .Values.log.format | quote }} }
        {{- if eq .Values.store.kind "sqlite" }}
        - { name: ORDERHUB__STORE__URL, value: "sqlite:/var/lib/orderhub/orderhub.db" }
        {{- else }}
        - { name: ORDERHUB__STORE__URL, value: {{ .Values.store.postgres.url | quote }} }
        {{- if .Values.store.postgres.passwordSecret.name }}
        - { name: ORDERHUB__STORE__PASSWORD__FILE, value: /run/secrets/orderhub-store/password }
        {{- end }}
        {{- end }}
        {{- if .Values.bus.url }}
        - { name: ORDERHUB__BUS__URL, value: {{ .Values.bus.url | quote }} }
        {{- if .Values.bus.passwordSecret.name }}
        - { name: ORDERHUB__BUS__PASSWORD__FILE, value: /run/secrets/orderhub-bus/password }
        {{- end }}
        {{- end }}
        {{- with .Values.extraEnv }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- with .Values.envFrom }}
      envFrom: {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - { name: http, containerPort: 8080 }
      # A store that opens, or a schema that is brought forward, may take its time.
      startupProbe:
        httpGet: { path: /healthz, port: http }
        periodSeconds: 2
        failureThreshold: 150
      livenessProbe:
        httpGet: { path: /healthz, port: http }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 2
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      resources: {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - { name: tmp, mountPath: /tmp }
        - { name: settings, mountPath: /etc/orderhub/orderhub.toml, subPath: orderhub.toml, readOnly: true }
        {{- if eq .Values.store.kind "sqlite" }}
        - { name: data, mountPath: /var/lib/orderhub }
        {{- else if .Values.store.postgres.passwordSecret.name }}
        - { name: store-password, mountPath: /run/secrets/orderhub-store, readOnly: true }
        {{- end }}
        {{- if and .Values.bus.url .Values.bus.passwordSecret.name }}
        - { name: bus-password, mountPath: /run/secrets/orderhub-bus, readOnly: true }
        {{- end }}
        {{- range $integration, $_ := .Values.mappings }}
        - { name: mapping-{{ include "orderhub.dns" $integration }}, mountPath: /etc/orderhub/mappings/{{ $integration }}, readOnly: true }
        {{- end }}
        {{- range $integration, $_ := .Values.mappingsFrom }}
        - { name: mapping-{{ include "orderhub.dns" $integration }}, mountPath: /etc/orderhub/mappings/{{ $integration }}, readOnly: true }
        {{- end }}
        {{- range .Values.secrets }}
        # Whole folders: a file that is mounted alone is not renewed.
        - { name: secret-{{ include "orderhub.dns" .name }}, mountPath: /run/secrets/{{ .name }}, readOnly: true }
        {{- end }}
  volumes:
    - { name: tmp, emptyDir: { sizeLimit: 64Mi } }
    - { name: settings, secret: { secretName: {{ include "orderhub.name" . }}-settings } }
    {{- if and (eq .Values.store.kind "postgres") .Values.store.postgres.passwordSecret.name }}
    - name: store-password
      secret:
        secretName: {{ .Values.store.postgres.passwordSecret.name }}
        items: [{ key: {{ .Values.store.postgres.passwordSecret.key }}, path: password }]
    {{- end }}
    {{- if and .Values.bus.url .Values.bus.passwordSecret.name }}
    - name: bus-password
      secret:
        secretName: {{ .Values.bus.passwordSecret.name }}
        items: [{ key: {{ .Values.bus.passwordSecret.key }}, path: password }]
    {{- end }}
    {{- range $integration, $files := .Values.mappings }}
    - name: mapping-{{ include "orderhub.dns" $integration }}
      configMap:
        name: {{ include "orderhub.name" $ }}-mapping-{{ include "orderhub.dns" $integration }}
        # A key has no slash: `samples/order.json` is kept as `samples--order.json`.
        items:
          {{- range $path, $_ := $files }}
          - { key: {{ $path | replace "/" "--" }}, path: {{ $path }} }
          {{- end }}
    {{- end }}
    {{- range $integration, $name := .Values.mappingsFrom }}
    - { name: mapping-{{ include "orderhub.dns" $integration }}, configMap: { name: {{ $name }} } }
    {{- end }}
    {{- range .Values.secrets }}
    - { name: secret-{{ include "orderhub.dns" .name }}, secret: { secretName: {{ .secretName }} } }
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.topologySpreadConstraints }}
  topologySpreadConstraints: {{- toYaml .Values.topologySpreadConstraints | nindent 4 }}
  {{- else if gt (int .Values.replicas) 1 }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "orderhub.selector" . | nindent 10 }}
  {{- end }}
{{- end }}
