#!/bin/sh
# Prints alerts.yaml as a PrometheusRule for the Prometheus Operator: ./prometheus-rule.sh | kubectl apply -f -
set -eu
cd "$(dirname "$0")"
cat <<'END'
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: quorate
  namespace: quorate
  labels: {app.kubernetes.io/part-of: quorate}
spec:
END
sed 's/^./  &/' alerts.yaml
