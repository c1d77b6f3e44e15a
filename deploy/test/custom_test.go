package deploy

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// The fields of custom resources that are used here, as their projects document them. Others
// would be errors.
type (
	// serviceMonitor: prometheus-operator.dev/docs/api-reference/api
	serviceMonitor struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
		Spec            struct {
			JobLabel  string               `json:"jobLabel"`
			Selector  metav1.LabelSelector `json:"selector"`
			Endpoints []struct {
				Port     string `json:"port"`
				Path     string `json:"path"`
				Interval string `json:"interval"`
			} `json:"endpoints"`
		} `json:"spec"`
	}

	// prometheusRule: prometheus-operator.dev/docs/api-reference/api
	prometheusRule struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
		Spec            struct {
			Groups []struct {
				Name  string `json:"name"`
				Rules []struct {
					Record      string            `json:"record"`
					Alert       string            `json:"alert"`
					Expr        string            `json:"expr"`
					For         string            `json:"for"`
					Labels      map[string]string `json:"labels"`
					Annotations map[string]string `json:"annotations"`
				} `json:"rules"`
			} `json:"groups"`
		} `json:"spec"`
	}

	// certificate: cert-manager.io/docs/reference/api-docs
	certificate struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
		Spec            struct {
			IsCA        bool            `json:"isCA"`
			CommonName  string          `json:"commonName"`
			DNSNames    []string        `json:"dnsNames"`
			SecretName  string          `json:"secretName"`
			Usages      []string        `json:"usages"`
			Duration    metav1.Duration `json:"duration"`
			RenewBefore metav1.Duration `json:"renewBefore"`
			PrivateKey  struct {
				Algorithm      string `json:"algorithm"`
				Size           int    `json:"size"`
				RotationPolicy string `json:"rotationPolicy"`
			} `json:"privateKey"`
			IssuerRef struct {
				Group string `json:"group"`
				Kind  string `json:"kind"`
				Name  string `json:"name"`
			} `json:"issuerRef"`
		} `json:"spec"`
	}

	// issuer: cert-manager.io/docs/configuration/selfsigned and /ca
	issuer struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
		Spec            struct {
			SelfSigned *struct{} `json:"selfSigned"`
			CA         *struct {
				SecretName string `json:"secretName"`
			} `json:"ca"`
		} `json:"spec"`
	}
)
