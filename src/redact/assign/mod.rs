//! Secrets that only their context gives away: `OPENCLAW_GATEWAY_TOKEN=…`, `"apiKey": "…"`, `--token …`, `#token=…`.
//!
//! Three questions, one file each: does the name say that a secret follows ([`key`]), where is the value ([`place`]),
//! and is it a value rather than a word about one ([`value`])?

pub(super) mod key;
pub(super) mod place;
pub(super) mod value;

use super::detector::{Detector, Near};
use super::hit::Hit;
use super::kind::Kind;

/// Words that occur in every name that [`key::classify`] accepts.
const WORDS: &[&str] = &[
    "token",
    "secret",
    "passw",
    "pwd",
    "pw",
    "kennwort",
    "senha",
    "contrase",
    "wachtwoord",
    "passphrase",
    "passcode",
    "pass",
    "key",
    "credential",
    "auth",
    "jwt",
    "otp",
    "mnemonic",
    "code",
    "psk",
    "nsec",
    "seed phrase",
    "recovery phrase",
    "bearer",
    "signature",
];

pub(super) static TABLE: &[Detector] = &[Detector::near(
    "named-secret",
    Kind::Secret,
    WORDS,
    named,
    &[
        "OPENCLAW_GATEWAY_TOKEN=‹hex:48›",
        "Environment=CLAWDBOT_GATEWAY_TOKEN=‹is:oldtokenoldtokenoldtoken›",
        "Environment=\"OPENCLAW_GATEWAY_PASSWORD=‹is:correct horse›\"",
        r#"{"gateway":{"auth":{"mode":"token","token":"‹hex:48›"}}}"#,
        r#"  gateway: { auth: { mode: 'token', token: '‹is:swordfish›' } },"#,
        r#"{\"auth\":{\"token\":\"‹b64u:43›\"}}"#,
        r#"{\\\"auth\\\":{\\\"deviceToken\\\":\\\"‹b64u:43›\\\"}}"#,
        "openclaw devices list --url ws://127.0.0.1:18789 --token ‹hex:48›",
        "openclaw devices list --token=‹is:shorty7›",
        "openclaw config set gateway.auth.token ‹is:hunter22›",
        "openclaw config set gateway.auth.password 'two ‹is:words›'",
        "http://127.0.0.1:18789/#token=‹b64u:43›",
        "http://127.0.0.1:18789/?token=‹b62:20›&x=1",
        "https://x.test/?u=ws%3A%2F%2Fh%23token%3D‹hex:48›%26b%3D1",
        r#"["/usr/bin/node","gateway","--token","‹hex:48›","--port","18789"]"#,
        "<string>--token</string>\n    <string>‹hex:48›</string>",
        "<key>OPENCLAW_GATEWAY_TOKEN</key>\n    <string>‹hex:48›</string>",
        r#"{"name":"OPENAI_API_KEY","value":"‹b62:40›"}"#,
        "- name: SLACK_SIGNING_SECRET\n  value: ‹hex:32›",
        "export MISTRAL_API_KEY='‹b62:32›'",
        "docker run -e ELEVENLABS_API_KEY=‹hex:32› openclaw",
        "launchctl setenv OPENCLAW_GATEWAY_TOKEN ‹hex:48›",
        "setx AZURE_SPEECH_KEY ‹hex:32›",
        "$env:DEEPGRAM_API_KEY = \"‹hex:40›\"",
        "channelAccessToken: \"‹b64:170›=\"",
        "appSecret: ‹b62:32›",
        "x-api-key: ‹b62:36›",
        "//registry.npmjs.org/:_authToken=‹uuid›",
        "password: ‹is:letmein!›",
        "pw: ‹is:gehe1m!›",
        r#"{"id":"telegram","code":"‹is:YU0X3WMB›","createdAt":"x"}"#,
        "Kennwort: ‹is:geheim123›",
        "the token i used was ‹b62:14› and it fails",
        "password for gateway: ‹is:Tr0mb0ne!›",
        "gateway secret is \"‹is:s3cr3tvalue9›\"",
        "ws://127.0.0.1:18789?token=‹is:simpletok›",
        "http://localhost:18789/#token=‹is:plainwordtok›",
        r#""hooks": {"enabled": true, "token": "‹is:my-hook-token›"}"#,
        "Gateway password: ‹is:hunter2›",
        "my gateway token is ‹hex:48› please help",
        "token `‹b64u:43›`",
        "│ Token      │ ‹hex:48› │",
        "Gateway token      ‹hex:48›",
        "setup code: ‹up:8›",
        "PrivateKey = ‹b64:43›=",
        "PGPASSWORD=‹is:hunter2› psql -h db",
        "totpSecret: ‹up:32›",
        r#"{"_meta":1,"password":"‹is:ab\"cd'ef›"}"#,
        "password=‹is:p@ss,w0rd!›",
        "AWS_SECRET_ACCESS_KEY=‹b64:40›",
        "OPENAI_API_KEY_2=‹b62:40›",
        "bootstrapToken=‹b64u:43›",
        "<token>‹b62:24›</token>",
        "**Token:** `‹hex:48›`",
        "mnemonic: ‹is:legal winner thank year wave sausage worth useful›",
        r#"{"setupCode":"‹b62:12›"}"#,
    ],
)
.not(&[
    "unauthorized: gateway token mismatch (rotate/reissue device token)",
    "openclaw devices list --url ws://127.0.0.1:18789 --token <token>",
    "token: \"${OPENCLAW_GATEWAY_TOKEN}\"",
    "auth: { mode: \"token\" }, token: { source: \"env\", provider: \"default\", id: \"OPENCLAW_GATEWAY_TOKEN\" }",
    "\"maxTokens\": 8192, \"totalTokens\": 120345, \"contextTokens\": 200000",
    "tokens: input=1234 output=567",
    "reason=token_mismatch auth=token code=1008",
    "\"cause\":\"token-missing\",\"authReason\":\"token_missing\"",
    "gateway.auth.token: not set; password: none",
    "openclaw config get gateway.auth.token # don't paste the token in this thread",
    "openclaw config set gateway.auth.token \"$(openssl rand -hex 32)\"",
    "const token = process.env.OPENCLAW_GATEWAY_TOKEN",
    "passwordFile: /run/secrets/gateway-password",
    "sessionKey: agent:main:main",
    "\"publicKey\": null, \"keyId\": \"primary\"",
    "Gateway auth: token (source: config)",
    "TELEGRAM_BOT_TOKEN is not set",
    "idempotencyKey=024b7afd-39c3-427c-bb65-50ebcfc719e5",
    "code: 1008, exitCode: 78, statusCode=403, errorCode: \"AUTH_TOKEN_MISMATCH\"",
    "\"password\": \"__OPENCLAW_REDACTED__\"",
    "--token-file /etc/openclaw/token",
    "device token rotated for role=operator; token delivery: withheld-cross-device",
    "token: '***', apiKey: \"<masked>\"",
    "tokenDelivery: \"withheld-cross-device\"",
    "canRetryWithDeviceToken=false recommendedNextStep=update_auth_credentials",
    "PRIMARY KEY (device_id, role), token TEXT NOT NULL",
    "auth.token must be a string",
    r#"{"code":"NOTFOUND","error":{"code":"INTERNAL"},"exit":{"code":"CONFLICT"},"errno":{"code":"ENOTCONN"}}"#,
    "Then run `openclaw config set gateway.auth.password` and type the password: it is not echoed",
])];

/// Looks at the whole name around a word, and hides the value that it announces.
fn named(near: &Near, hits: &mut Vec<Hit>) {
    let Some(name) = key::around(near.text, &near.word) else { return };
    let Some(class) = near.text.get(name.clone()).and_then(key::classify) else { return };
    let Some(found) = place::find(near.text, &name) else { return };
    let Some(span) = value::judge(near.text, &class, &found) else { return };
    let bytes = near.text.get(span.clone()).unwrap_or_default();
    let learn = bytes.len() >= 8 && super::shape::is_unlike_prose(bytes) && class.kind != Kind::SetupCode;
    hits.push(Hit { kind: class.kind, ..near.hit(span) }.learned(learn));
}

/// The judgement for a value whose key is known from the structure, as in a parsed JSON document.
pub(super) fn member(key: &str, text: &str) -> Option<Kind> {
    let class = key::classify(key.as_bytes())?;
    let found = place::Found { span: 0..text.len(), form: place::Form::Quoted };
    value::judge(text.as_bytes(), &class, &found).map(|_| class.kind)
}
