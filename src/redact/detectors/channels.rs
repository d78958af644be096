//! Bot tokens, incoming webhooks and ids of the messaging channels that OpenClaw supports.
//!
//! Channels whose secrets have no form of their own (LINE, Feishu, WeCom, QQ, Teams, Nextcloud, Synology, Zalo) are
//! found by the key that holds them, see `assign`.

use super::super::detector::{Detector, Near, always};
use super::super::hit::Hit;
use super::super::kind::Kind;
use super::super::shape::is_random;
use super::providers::has_random_part;

pub(super) static TABLE: &[Detector] = &[
    Detector::near(
        "telegram-bot-token",
        Kind::Token,
        &[":"],
        telegram,
        &["telegram ‹dig:10›:AA‹b64u:33›", "https://api.telegram.org/bot‹dig:9›:AA‹b64u:33›/getMe", "Call to 'getMe' failed! bot‹dig:10›:AAH‹b64u:32›"],
    )
    .not(&["1771602025660:operator", "call-DZzTR0NL.js:438:10", "12:30:45"]),
    Detector::near("discord-bot-token", Kind::Token, &["."], discord, &["discord MT‹b62:24›.G‹b62:5›.‹b64u:38›", "NzA‹b62:21›.‹b64u:6›.‹b64u:27›"])
        .not(&["node_modules.openclaw.dist", "com.openclaw.gateway.plist"]),
    Detector::prefix("discord-mfa-token", &["mfa."], r"mfa\.[A-Za-z0-9_-]{80,}", &["mfa.‹b64u:84›"]).kind(Kind::Token),
    Detector::prefix(
        "slack-token",
        &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxd-", "xoxc-", "xoxe-", "xoxe.", "xapp-"],
        r"(?:xox[a-z][-.][A-Za-z0-9.%/+=-]{10,}|xapp-\d-[A-Za-z0-9-]{20,})",
        &["xoxb-‹dig:12›-‹dig:13›-‹b62:24›", "xapp-1-A‹up:10›-‹dig:13›-‹hex:64›", "xoxe.xoxp-1-‹b62:146›", "xoxd-‹b62:120›%2F‹b62:40›"],
    )
    .kind(Kind::Token)
    .not(&["token kinds: xoxb-, xoxp- and xapp-"]),
    Detector::prefix(
        "incoming-webhook",
        &[
            "hooks.slack.com/", "discord.com/api/webhooks/", "discordapp.com/api/webhooks/", "webhook.office.com/",
            "chat.googleapis.com/", "open.feishu.cn/", "open.larksuite.com/", "qyapi.weixin.qq.com/",
            "oapi.dingtalk.com/", "hooks.zapier.com/", "maker.ifttt.com/", "hook.eu1.make.com/", "hook.eu2.make.com/",
            "hook.us1.make.com/", "hook.us2.make.com/", "hook.integromat.com/", "/webhook/", "/webhook-test/",
            "hc-ping.com/", "webhook.site/",
        ],
        r"(?:hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/|webhook\.office\.com/webhookb2/|chat\.googleapis\.com/v1/spaces/|open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/v2/hook/|qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?|oapi\.dingtalk\.com/robot/send\?|hooks\.zapier\.com/hooks/catch/|maker\.ifttt\.com/[A-Za-z0-9_/-]*?with/key/|hook\.[a-z0-9.]*(?:make|integromat)\.com/|/webhook(?:-test)?/|hc-ping\.com/|webhook\.site/)([A-Za-z0-9_@%/?&=:.+-]{16,})",
        &[
            "https://hooks.slack.com/services/T‹up:8›/B‹up:10›/‹b62:24›",
            "https://discord.com/api/webhooks/‹dig:18›/‹b64u:68›",
            "https://chat.googleapis.com/v1/spaces/‹b62:11›/messages?key=x&token=‹b64u:43›",
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=‹uuid›",
            "https://open.feishu.cn/open-apis/bot/v2/hook/‹uuid›",
            "https://oapi.dingtalk.com/robot/send?access_token=‹hex:64›",
            "https://hooks.zapier.com/hooks/catch/‹dig:7›/‹low:7›/",
            "https://maker.ifttt.com/trigger/x/with/key/‹b64u:43›",
            "https://n8n.smith.test/webhook/‹uuid›",
            "https://hook.eu1.make.com/‹low:32›",
        ],
    )
    .kind(Kind::Webhook)
    .accept(|value| value.iter().any(u8::is_ascii_digit))
    .not(&["docs at https://docs.openclaw.ai/automation/webhook/overview-and-setup", "POST /webhook/telegram-callback-handler 200"]),
    Detector::prefix("mattermost-webhook", &["/hooks/"], r"/hooks/([a-z0-9]{26})", &["https://chat.smith.test/hooks/‹low:26›"]).kind(Kind::Webhook).accept(always),
    Detector::prefix("matrix-token", &["syt_", "mat_", "mct_", "mar_", "mcr_", "mdax"], r"(?:syt_[A-Za-z0-9+/=_-]{20,}|m[ac][tr]_[A-Za-z0-9]{30}_[A-Za-z0-9]{6}|MDAx[A-Za-z0-9_-]{60,})", &["syt_‹b62:8›_‹b62:20›_‹b62:6›", "mat_‹b62:30›_‹b62:6›"]).kind(Kind::Token),
    Detector::prefix("twitch-token", &["oauth:"], r"oauth:([a-z0-9]{30})", &["PASS oauth:‹low:30›"]).kind(Kind::Token).accept(always),
    Detector::prefix("telnyx-key", &["key0", "key1"], r"KEY[0-9A-F]{32}_[A-Za-z0-9]{20,}", &["KEY01‹HEX:30›_‹b62:22›"]),
    Detector::prefix("sendgrid-key", &["sg."], r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}", &["SG.‹b64u:22›.‹b64u:43›"]),
    Detector::prefix("mailgun-key", &["key-"], r"key-[0-9a-f]{32}", &["key-‹hex:32›"]),
    Detector::near("mailchimp-key", Kind::ApiKey, &["-us"], mailchimp, &["‹hex:32›-us14"]),
    Detector::prefix("resend-key", &["re_"], r"re_[A-Za-z0-9_]{24,}", &["re_‹b62:8›_‹b62:24›"]).accept(has_random_part),
    Detector::prefix("ntfy-token", &["tk_"], r"tk_[a-z0-9]{29}", &["tk_‹low:29›"]).kind(Kind::Token),
    Detector::prefix("nostr-secret", &["nsec1", "ncryptsec1"], r"n(?:crypt)?sec1[a-z0-9]{20,}", &["nsec1‹low:58›", "cut nsec1‹low:30›"]).kind(Kind::PrivateKey).accept(always),
    Detector::prefix("nostr-public-key", &["npub1", "nprofile1"], r"n(?:pub|profile)1[a-z0-9]{30,}", &["from npub1‹low:58›"]).kind(Kind::PublicKey).accept(always),
    Detector::prefix("tlon-code", &["code", "lidlut-"], r#"(?:code["' ]*[:=]["' ]*)?([a-z]{6}-[a-z]{6}-[a-z]{6}-[a-z]{6})"#, &["ship code: ‹is:tabwed-pillex-ridrup-sampel›"]).kind(Kind::Password).accept(always),
];

/// `123456789:AA…`: the bot's number, a colon, 35 characters. `bot` may stand before it.
fn telegram(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    let digits =
        text.get(..near.word.start).unwrap_or_default().iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    if !(6..=12).contains(&digits) {
        return;
    }
    let token = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let after = text.get(near.word.end..).unwrap_or_default();
    let length = after.iter().take(80).take_while(token).count();
    let body = after.get(..length).unwrap_or_default();
    if (20..=60).contains(&length) && is_random(body) {
        hits.push(near.hit(near.word.start - digits..near.word.end + length).learned(true));
    }
}

/// Three parts of base64url: the bot's number (24 to 28), a time stamp (6), a signature (27 to 38).
fn discord(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    let token = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let after = text.get(near.word.end..).unwrap_or_default();
    if after.iter().take(7).take_while(token).count() != 6 || after.get(6) != Some(&b'.') {
        return;
    }
    let head = text.get(..near.word.start).unwrap_or_default().iter().rev().take(30).take_while(token).count();
    let tail = after.get(7..).unwrap_or_default().iter().take(50).take_while(token).count();
    if !(23..=28).contains(&head) || !(27..=40).contains(&tail) {
        return;
    }
    let span = near.word.start - head..near.word.end + 7 + tail;
    let id = text.get(span.start..near.word.start).unwrap_or_default();
    let number = super::super::decode::base64(id).is_some_and(|id| id.iter().take(8).all(u8::is_ascii_digit));
    if number || is_random(id) {
        hits.push(near.hit(span).learned(true));
    }
}

/// 32 hex and the data centre.
fn mailchimp(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    let before = text.get(..near.word.start).unwrap_or_default();
    let head = before.iter().rev().take(33).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let tail =
        text.get(near.word.end..).unwrap_or_default().iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    if head == 32 && tail > 0 {
        hits.push(near.hit(near.word.start - head..near.word.end + tail).learned(true));
    }
}
