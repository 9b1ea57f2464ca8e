//! The keys an instance signs its tokens with.

use std::{fmt, io, sync::OnceLock};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// An RSA key of 2048 bits, as Clerk has them, and the id it is published under.
pub(super) struct SigningKey {
    pub(super) kid: String,
    pkcs8: Vec<u8>,
    pair: RsaKeyPair,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// The key instances begin with: made once in a process, because making one takes a moment.
    pub(super) fn first(kid: String) -> io::Result<Self> {
        static FIRST: OnceLock<Vec<u8>> = OnceLock::new();
        let pkcs8 = if let Some(pkcs8) = FIRST.get() {
            pkcs8.clone()
        } else {
            let made = generate()?;
            FIRST.get_or_init(|| made).clone()
        };
        Self::from_pkcs8(kid, pkcs8)
    }

    /// A key of its own.
    pub(super) fn new(kid: String) -> io::Result<Self> {
        Self::from_pkcs8(kid, generate()?)
    }

    pub(super) fn from_pkcs8(kid: String, pkcs8: Vec<u8>) -> io::Result<Self> {
        let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(io::Error::other)?;
        Ok(Self { kid, pkcs8, pair })
    }

    pub(super) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// As the key set shows it.
    pub(super) fn jwk(&self) -> Value {
        let public: RsaPublicKeyComponents<Vec<u8>> = self.pair.public_key().into();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "use": "sig", "kty": "RSA", "kid": self.kid, "alg": "RS256",
            "n": number(&public.n), "e": number(&public.e),
        })
    }

    /// A token with this header and these claims, RS256 whatever they say.
    pub(super) fn sign(&self, header: &Value, claims: &Value) -> io::Result<String> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(io::Error::other)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn generate() -> io::Result<Vec<u8>> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(io::Error::other)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(io::Error::other)?;
    Ok(der.as_ref().to_vec())
}
