//! Keys of model providers and of the search, voice and media services that OpenClaw supports.
//!
//! Providers whose keys have no distinctive form (Mistral, Deepgram, Azure, …) are found by the name of the variable or
//! key that holds them, see `assign`.

use super::super::detector::Detector;
use super::super::shape::is_random;

pub(super) static TABLE: &[Detector] = &[
    Detector::prefix(
        "anthropic-key",
        &["sk-ant-"],
        r"sk-ant-[A-Za-z0-9_-]{16,}",
        &[
            "ANTHROPIC says sk-ant-api03-‹b64u:93›AA",
            "claude setup-token printed sk-ant-oat01-‹b64u:80›",
            "key sk-ant-admin01-‹b64u:90› ok",
        ],
    )
    .not(&["keys begin with sk-ant-api03-, see the docs", "sk-ant-..."]),
    // OpenAI, and the many that copied its form: OpenRouter, DeepSeek, Moonshot, Qwen, LiteLLM, Langfuse, Helicone.
    Detector::prefix(
        "openai-style-key",
        &["sk-"],
        r"sk-(?:[a-z0-9]{2,10}-(?:v\d-)?)*[A-Za-z0-9_-]{16,}",
        &[
            "401 Incorrect API key provided: sk-proj-‹b64u:120›",
            "old style sk-‹b62:48›",
            "sk-svcacct-‹b64u:74›",
            "openrouter sk-or-v1-‹hex:64›",
            "deepseek sk-‹hex:32›",
            "sk-kimi-‹b62:60›",
            r#"{\"text\":\"my key:\nsk-‹b62:48›\"}"#,
            "https://x.test/?k%3Dsk-‹b62:48›",
        ],
    )
    .not(&[
        "sk-learn-contrib-pipeline-tools",
        "desk-booking-task-scheduler-v2",
        "risk-assessment-2026-02-20",
        "locale sk-SK",
    ]),
    Detector::prefix(
        "openai-session",
        &["sess-", "ek_"],
        r"(?:sess-[A-Za-z0-9]{40}|ek_[a-f0-9]{32,})",
        &["sess-‹b62:40›"],
    ),
    Detector::prefix("xai-key", &["xai-"], r"xai-[A-Za-z0-9_-]{30,}", &["grok xai-‹b62:80›"]),
    Detector::prefix("groq-key", &["gsk_"], r"gsk_[A-Za-z0-9]{20,}", &["gsk_‹b62:52›"]).not(&["gsk_window_new"]),
    Detector::prefix("perplexity-key", &["pplx-"], r"pplx-[A-Za-z0-9]{20,}", &["pplx-‹b62:48›"])
        .not(&["pplx-7b-online-instruct model"]),
    Detector::prefix(
        "google-api-key",
        &["AIza"],
        r"AIza[A-Za-z0-9_-]{30,40}",
        &["https://x.test/v1?key=AIza‹b64u:35›"],
    ),
    // Google's newer keys for AI Studio.
    Detector::prefix("google-ai-key", &["AQ.Ab"], r"AQ\.Ab[A-Za-z0-9_-]{30,}", &["AQ.Ab‹b64u:48›"]),
    Detector::prefix(
        "google-oauth",
        &["ya29.", "1//0", "gocspx-"],
        r"(?:ya29\.[A-Za-z0-9_.-]{20,}|1//0[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,})",
        &["access ya29.a0‹b64u:160›", "refresh 1//0‹b64u:60›", "GOCSPX-‹b64u:28›"],
    ),
    Detector::prefix(
        "huggingface-token",
        &["hf_", "api_org_"],
        r"(?:hf_|api_org_)[A-Za-z0-9]{20,}",
        &["hf_‹b62:34›", "api_org_‹b62:34›"],
    )
    .not(&["from huggingface_hub import hf_hub_download", "hf_transfer_enabled"]),
    Detector::prefix("replicate-token", &["r8_"], r"r8_[A-Za-z0-9]{30,}", &["r8_‹b62:37›"]),
    Detector::prefix(
        "fireworks-key",
        &["fw_", "fw-", "fpk_"],
        r"(?:fw[_-]|fpk_)[A-Za-z0-9]{20,}",
        &["fw_‹b62:24›", "fpk_‹b62:40›"],
    )
    .not(&["fw_rule_accept_established"]),
    Detector::prefix(
        "together-key",
        &["tgp_v1_", "together_api_"],
        r"(?:tgp_v1_|together_api_)[A-Za-z0-9_-]{20,}",
        &["tgp_v1_‹b64u:43›"],
    ),
    Detector::prefix("nvidia-key", &["nvapi-"], r"nvapi-[A-Za-z0-9_-]{40,}", &["nvapi-‹b64u:64›"]),
    Detector::prefix("cerebras-key", &["csk-"], r"csk-[A-Za-z0-9]{30,}", &["csk-‹low:48›"]),
    Detector::prefix("jina-key", &["jina_"], r"jina_[A-Za-z0-9_-]{40,}", &["jina_‹b62:60›"]),
    Detector::prefix("voyage-key", &["pa-"], r"pa-[A-Za-z0-9_-]{40,}", &["pa-‹b64u:43›"]),
    Detector::prefix(
        "tavily-key",
        &["tvly-"],
        r"tvly-(?:dev-|prod-)?[A-Za-z0-9]{20,}",
        &["tvly-dev-‹b62:32›", "tvly-‹b62:32›"],
    ),
    Detector::prefix("firecrawl-key", &["fc-"], r"fc-[a-f0-9]{32}", &["fc-‹hex:32›"]),
    Detector::prefix("brave-key", &["bsa"], r"BSA[A-Za-z0-9_-]{20,32}", &["brave BSA‹b62:28›"])
        .accept(is_random)
        .not(&["BSApplicationWillTerminateNotification"]),
    Detector::prefix("exa-key", &["exa_"], r"exa_[A-Za-z0-9]{20,}", &["exa_‹b62:32›"]),
    // ElevenLabs, and Stripe's keys without mode, and others of the form sk_….
    Detector::prefix(
        "sk-underscore-key",
        &["sk_"],
        r"sk_[A-Za-z0-9_]{24,}",
        &["xi sk_‹hex:48›", "novita sk_‹b64u:43›"],
    )
    .accept(has_random_part)
    .not(&["struct sk_buff", "sk_stream_wait_connect_interruptible"]),
    Detector::prefix("fal-key", &["fal_"], r"fal_[A-Za-z0-9_-]{20,}", &["fal_‹b62:32›"]).accept(has_random_part),
    // fal.ai: key id (UUID), colon, 32 hex.
    Detector::prefix(
        "fal-pair",
        &["key ", "key:", "key="],
        r#"(?i)key[ :=]+["']?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:[0-9a-f]{32})"#,
        &["Authorization: Key ‹uuid›:‹hex:32›"],
    ),
    Detector::prefix("databricks-token", &["dapi"], r"dapi[0-9a-f]{32}(?:-\d)?", &["dapi‹hex:32›"]),
    Detector::prefix(
        "langsmith-key",
        &["lsv2_", "ls__"],
        r"(?:lsv2_(?:pt|sk)_|ls__)[0-9a-f]{20,}(?:_[0-9a-f]{10})?",
        &["lsv2_pt_‹hex:32›_‹hex:10›"],
    ),
    Detector::prefix("pinecone-key", &["pcsk_"], r"pcsk_[A-Za-z0-9_]{40,}", &["pcsk_‹b62:6›_‹b62:60›"]),
    Detector::prefix("vercel-key", &["vck_", "vcp_", "vci_", "vca_"], r"vc[kpia]_[A-Za-z0-9]{20,}", &["vck_‹b62:56›"]),
    Detector::prefix(
        "synthetic-key",
        &["syn_", "cpk_", "ctx7sk-"],
        r"(?:syn_|cpk_|ctx7sk-)[A-Za-z0-9._-]{24,}",
        &["syn_‹hex:32›"],
    )
    .accept(has_random_part),
    Detector::prefix(
        "memory-service-key",
        &["m0-", "mem0_", "hsk-", "brv_", "retaindb_", "am_"],
        r"(?:m0-|mem0_|hsk-|brv_|retaindb_|am_)[A-Za-z0-9]{20,}",
        &["m0-‹b62:40›", "mem0_‹b62:40›"],
    )
    .accept(has_random_part),
    Detector::prefix("apify-token", &["apify_api_"], r"apify_api_[A-Za-z0-9-]{20,}", &["apify_api_‹b62:36›"]),
    Detector::prefix(
        "browserbase-key",
        &["bb_live_", "bb_test_"],
        r"bb_(?:live|test)_[A-Za-z0-9_-]{16,}",
        &["bb_live_‹b62:27›"],
    ),
    Detector::prefix(
        "clawrouter-key",
        &["clawrouter_", "crk_"],
        r"(?:clawrouter_|crk_)[A-Za-z0-9_-]{20,}",
        &["crk_‹b62:32›"],
    )
    .accept(has_random_part),
    Detector::prefix("postman-key", &["pmak-"], r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}", &["PMAK-‹hex:24›-‹hex:34›"]),
    Detector::prefix(
        "copilot-token",
        &["tid="],
        r"(tid=[0-9a-f]{32};[^\s]{0,600}?:[0-9a-f]{64})",
        &["token tid=‹hex:32›;exp=1771602025;sku=x;8kp=1:‹hex:64›"],
    ),
];

/// A part between separators that is random and long enough.
pub(super) fn has_random_part(value: &[u8]) -> bool {
    let body = |part: &[u8]| part.len() >= 16 && super::super::shape::is_random(part);
    value.split(|byte| matches!(byte, b'_' | b'-' | b'.')).any(body)
        || value.len() >= 40 && super::super::shape::is_random(value)
}
