//! One TLS client configuration for HTTP and WebSocket: rustls with ring, trusting what this computer trusts.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;

#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up on this computer: {0}")]
pub struct TlsSetupError(#[from] rustls::Error);

/// The certificate store of the operating system decides, so company roots work and revoked ones do not.
pub fn client_config() -> Result<Arc<ClientConfig>, TlsSetupError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(Arc::new(config))
}
