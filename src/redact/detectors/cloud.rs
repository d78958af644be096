//! Keys of clouds, networks, databases, secret stores and payment services.

use super::super::detector::{Detector, always};
use super::super::kind::Kind;
use super::super::shape::is_random;

pub(super) static TABLE: &[Detector] = &[
    Detector::prefix(
        "tailscale-key",
        &["tskey-"],
        r"tskey-[a-z]+-[A-Za-z0-9]{6,}(?:CNTRL)?(?:-[A-Za-z0-9]{10,})?",
        &[
            "tailscale up --authkey tskey-auth-k‹b62:10›CNTRL-‹b62:32›",
            "tskey-api-‹b62:12›-‹b62:32›",
            "tskey-client-‹b62:14›-‹b62:32›",
        ],
    )
    .not(&["create one that begins with tskey-auth-"]),
    Detector::prefix("tailscale-node-key", &["privkey:"], r"privkey:([0-9a-f]{64})", &["privkey:‹hex:64›"])
        .kind(Kind::PrivateKey),
    Detector::prefix(
        "tailscale-public-key",
        &["nodekey:", "discokey:", "mkey:", "tlpub:", "nlpub:"],
        r"(?:nodekey|discokey|mkey|tlpub|nlpub):([0-9a-f]{64})",
        &["peer nodekey:‹hex:64›"],
    )
    .kind(Kind::PublicKey),
    Detector::prefix(
        "aws-key-id",
        &["akia", "asia", "abia", "acca"],
        r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}",
        &["AKIA‹up:16›", "AWS_ACCESS_KEY_ID=ASIA‹up:16›"],
    )
    .accept(is_key_id),
    Detector::prefix(
        "aws-bedrock-key",
        &["absk", "bedrock-api-key-"],
        r"(?:ABSK[A-Za-z0-9+/]{60,}={0,2}|bedrock-api-key-[A-Za-z0-9+/=_-]{40,})",
        &["ABSK‹b64:128›"],
    ),
    Detector::prefix("azure-client-secret", &["q~"], r"Q~[A-Za-z0-9_.~-]{31,34}", &["‹is:abc8Q~›‹b62:34›"])
        .accept(always)
        .back(4),
    Detector::prefix(
        "azure-storage-key",
        &["accountkey=", "sharedaccesskey="],
        r"(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,}={0,2})",
        &["DefaultEndpointsProtocol=https;AccountName=x;AccountKey=‹b64:86›==;"],
    ),
    Detector::prefix(
        "signed-link",
        &["sig=", "signature=", "x-amz-signature=", "x-amz-credential=", "x-goog-signature="],
        r"[A-Za-z-]{3,20}=([A-Za-z0-9%+/=_-]{20,})",
        &["https://x.test/b?sv=2022&sig=‹b64u:43›%3D", "https://s3.test/k?X-Amz-Signature=‹hex:64›&x=1"],
    )
    .accept(is_random),
    Detector::prefix(
        "digitalocean-token",
        &["dop_v1_", "doo_v1_", "dor_v1_"],
        r"do[opr]_v1_[a-f0-9]{20,}",
        &["dop_v1_‹hex:64›"],
    )
    .kind(Kind::Token),
    Detector::prefix(
        "cloudflare-token",
        &["cfut_", "cfat_", "cfk_", "v1.0-"],
        r"(?:cf(?:ut|at|k)_[A-Za-z0-9_-]{30,}|v1\.0-[a-f0-9]{24}-[a-f0-9]{100,})",
        &["cfut_‹b62:40›", "v1.0-‹hex:24›-‹hex:146›"],
    )
    .kind(Kind::Token),
    Detector::prefix(
        "alibaba-key-id",
        &["ltai", "akid"],
        r"(?:LTAI[A-Za-z0-9]{12,26}|AKID[A-Za-z0-9]{13,40})",
        &["LTAI5t‹b62:18›", "AKID‹b62:32›"],
    )
    .accept(is_random),
    Detector::prefix(
        "fly-token",
        &["fm1_", "fm1r_", "fm2_", "fo1_"],
        r"f(?:m1r?|m2|o1)_[A-Za-z0-9+/=_-]{40,}",
        &["FlyV1 fm2_‹b64:200›", "fo1_‹b64u:43›"],
    )
    .kind(Kind::Token),
    Detector::prefix("heroku-key", &["hrku-"], r"HRKU-[A-Za-z0-9_-]{20,}", &["HRKU-AA‹b64u:58›"]),
    Detector::prefix("netlify-token", &["nfp_", "nfc_", "nfo_"], r"nf[pco]_[A-Za-z0-9_]{36,}", &["nfp_‹b62:36›"])
        .kind(Kind::Token),
    Detector::prefix("render-key", &["rnd_"], r"rnd_[A-Za-z0-9]{24,}", &["rnd_‹b62:32›"]),
    Detector::prefix(
        "supabase-key",
        &["sbp_", "sb_secret_", "sb_publishable_"],
        r"(?:sbp_[a-z0-9]{40}|sb_(?:secret|publishable)_[A-Za-z0-9_-]{20,})",
        &["sbp_‹hex:40›", "sb_secret_‹b64u:31›"],
    ),
    Detector::prefix(
        "planetscale-key",
        &["pscale_"],
        r"pscale_(?:tkn|pw|oauth|api)_[A-Za-z0-9_.=-]{30,}",
        &["pscale_tkn_‹b64u:43›"],
    ),
    Detector::prefix(
        "neon-key",
        &["napi_", "npg_"],
        r"(?:napi_[a-z0-9]{40,}|npg_[A-Za-z0-9]{10,})",
        &["napi_‹low:64›"],
    ),
    Detector::prefix(
        "doppler-token",
        &["dp.st.", "dp.pt.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."],
        r"dp\.(?:st|pt|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}",
        &["dp.st.prd.‹b62:43›", "dp.pt.‹b62:43›"],
    )
    .kind(Kind::Token),
    Detector::prefix(
        "vault-token",
        &["hvs.", "hvb.", "hvr."],
        r"hv[sbr]\.[A-Za-z0-9_-]{20,}",
        &["X-Vault-Token: hvs.‹b64u:90›"],
    )
    .kind(Kind::Token),
    Detector::prefix("vault-old-token", &["s."], r"s\.[A-Za-z0-9]{24}", &["vault s.‹b62:24›"])
        .kind(Kind::Token)
        .accept(|value| is_random(value.get(2..).unwrap_or_default()))
        .not(&["process.stdout.isTerminalWidthAvailable", "s.documentElementNamespaces"]),
    Detector::prefix(
        "terraform-token",
        &[".atlasv1."],
        r"\.atlasv1\.[A-Za-z0-9_=-]{60,}",
        &["‹b62:14›.atlasv1.‹b62:67›"],
    )
    .kind(Kind::Token)
    .back(14),
    Detector::prefix(
        "stripe-key",
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"],
        r"(?:[sr]k_(?:live|test)_|whsec_)[A-Za-z0-9+/]{16,}=*",
        &["sk_live_‹b62:24›", "rk_test_‹b62:99›", "whsec_‹b62:32›"],
    ),
    Detector::prefix(
        "square-token",
        &["sq0atp-", "sq0csp-", "sq0idp-", "eaaa"],
        r"(?:sq0[a-z]{3}-[A-Za-z0-9_-]{22,43}|EAAA[A-Za-z0-9_-]{56,60})",
        &["sq0csp-‹b64u:43›", "EAAA‹b64u:60›"],
    )
    .kind(Kind::Token),
    Detector::prefix(
        "paypal-token",
        &["access_token$"],
        r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",
        &["access_token$production$‹low:16›$‹hex:32›"],
    )
    .kind(Kind::Token),
    Detector::prefix(
        "razorpay-key",
        &["rzp_live_", "rzp_test_"],
        r"rzp_(?:live|test)_[A-Za-z0-9]{14,}",
        &["rzp_live_‹b62:14›"],
    ),
    Detector::prefix("mollie-key", &["live_", "test_"], r"(?:live|test)_[A-Za-z0-9]{30,}", &["live_‹b62:32›"])
        .accept(|value| is_random(value.get(5..).unwrap_or_default())),
    Detector::prefix("meta-token", &["eaa"], r"EAA[A-Za-z0-9]{60,}", &["graph EAA‹b62:180›"]).kind(Kind::Token),
    Detector::prefix(
        "sentry-dsn",
        &["https://"],
        r"https://([a-f0-9]{32})(?::[a-f0-9]{32})?@",
        &["https://‹hex:32›@o12345.ingest.sentry.io/42"],
    ),
];

/// Twenty capitals and digits: a word in capitals has no digit.
fn is_key_id(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) || value.ends_with(b"EXAMPLE")
}
