//! Keys of code hosting, package registries, build services and the tools around them.

use super::super::detector::Detector;
use super::super::kind::Kind;
use super::providers::has_random_part;

pub(super) static TABLE: &[Detector] = &[
    Detector::prefix(
        "github-token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        r"(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{22,})",
        &["ghp_‹b62:36›", "gho_‹b62:36›", "github_pat_‹b62:22›_‹b62:59›", "git clone https://ghp_‹b62:36›@github.com/a/b"],
    )
    .kind(Kind::Token)
    .not(&["git@github.com:openclaw/openclaw.git", "https://github.com/openclaw/openclaw/pull/4410"]),
    Detector::prefix(
        "gitlab-token",
        &[
            "glpat-", "gloas-", "gldt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "glwt-", "glsoat-", "glffct-",
            "glrt-", "glrtr-", "gr1348941",
        ],
        r"(?:gl(?:pat|oas|dt|cbt|ptt|ft|imt|agent|wt|soat|ffct|rt|rtr)-[A-Za-z0-9._=-]{20,}|GR1348941[A-Za-z0-9_-]{20,})",
        &["glpat-‹b64u:20›", "glpat-‹b64u:27›.01.‹low:9›", "glcbt-64_‹b64u:20›", "GR1348941‹b64u:20›"],
    )
    .kind(Kind::Token),
    Detector::prefix(
        "atlassian-token",
        &["atatt3", "atctt3", "atbb", "bbdc-"],
        r"(?:AT[AC]TT3[A-Za-z0-9+/=_-]{40,}|ATBB[A-Za-z0-9]{24,}|BBDC-[A-Za-z0-9+/@_-]{40,50})",
        &["ATATT3xFfGF0‹b64u:180›=‹HEX:8›", "ATBB‹b62:32›", "BBDC-‹b62:44›"],
    )
    .kind(Kind::Token),
    Detector::prefix("npm-token", &["npm_"], r"npm_[A-Za-z0-9]{36}", &["//registry.npmjs.org/:_authToken=npm_‹b62:36›"])
        .kind(Kind::Token)
        .not(&["npm_config_user_agent=npm/10.9.0", "npm_lifecycle_event=start", "npm_package_config_node_gyp_signature_check"]),
    Detector::prefix("pypi-token", &["pypi-"], r"pypi-[A-Za-z0-9_-]{50,}", &["pypi-AgEIcHlwaS5vcmc‹b64u:150›"]).kind(Kind::Token),
    Detector::prefix("rubygems-key", &["rubygems_"], r"rubygems_[0-9a-f]{48}", &["rubygems_‹hex:48›"]),
    Detector::prefix("crates-token", &["cio"], r"cio[A-Za-z0-9]{32}", &["cio‹b62:32›"]).kind(Kind::Token).accept(super::super::shape::is_random),
    Detector::prefix("docker-token", &["dckr_pat_", "dckr_oat_"], r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}", &["dckr_pat_‹b64u:27›"]).kind(Kind::Token),
    Detector::prefix("nuget-key", &["oy2"], r"oy2[a-z0-9]{43}", &["oy2‹low:43›"]).accept(super::super::shape::is_random),
    Detector::prefix("artifactory-key", &["akcp"], r"AKCp[A-Za-z0-9]{60,}", &["AKCp8‹b62:68›"]),
    Detector::prefix("clojars-token", &["clojars_"], r"CLOJARS_[a-z0-9]{60}", &["CLOJARS_‹low:60›"]).kind(Kind::Token),
    Detector::prefix("clawhub-token", &["clh_"], r"clh_[A-Za-z0-9_-]{20,}", &["clh_‹b64u:43›"]).kind(Kind::Token).accept(has_random_part),
    Detector::prefix("circleci-token", &["ccipat_", "ccipra_"], r"CCIP(?:AT|RA)_[A-Za-z0-9]{22}_[a-f0-9]{40}", &["CCIPAT_‹b62:22›_‹hex:40›"]).kind(Kind::Token),
    Detector::prefix("buildkite-token", &["bkua_", "bkct_"], r"bk(?:ua|ct)_[A-Za-z0-9]{30,}", &["bkua_‹hex:40›"]).kind(Kind::Token),
    Detector::prefix("sentry-token", &["sntrys_", "sntryu_"], r"sntry[su]_[A-Za-z0-9+/=_-]{40,}", &["sntryu_‹hex:64›"]).kind(Kind::Token),
    Detector::prefix(
        "grafana-token",
        &["glsa_", "glc_ey", "eyjrijoi"],
        r"(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_eyJ[A-Za-z0-9+/=_-]{40,}|eyJrIjoi[A-Za-z0-9+/=_-]{40,})",
        &["glsa_‹b62:32›_‹hex:8›", "glc_eyJ‹b62:80›"],
    )
    .kind(Kind::Token),
    Detector::prefix("newrelic-key", &["nrak-", "nrjs-", "nrra-", "nrii-", "nriq-"], r"NR(?:AK|JS|RA|II|IQ)-[A-Za-z0-9_-]{19,}", &["NRAK-‹up:27›"]),
    Detector::prefix("datadog-key", &["ddp_", "ddw_"], r"dd[pw]_[A-Za-z0-9]{36}", &["ddp_‹b62:36›"]),
    Detector::prefix("honeycomb-key", &["hcaik_", "hcamk_", "hcxik_"], r"hc[a-z]{2}k_[A-Za-z0-9_-]{30,}", &["hcaik_‹low:58›"]),
    Detector::prefix("linear-key", &["lin_api_", "lin_oauth_"], r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}", &["lin_api_‹b62:40›"]),
    Detector::prefix("notion-key", &["ntn_", "secret_"], r"(?:ntn_|secret_)[A-Za-z0-9]{40,}", &["ntn_‹b62:46›", "secret_‹b62:43›"]),
    Detector::prefix("figma-token", &["figd_", "figo_"], r"fig[do]_[A-Za-z0-9_-]{36,}", &["figd_‹b64u:40›"]).kind(Kind::Token),
    Detector::prefix("airtable-token", &["pat"], r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}", &["pat‹b62:14›.‹hex:64›"]).kind(Kind::Token),
    Detector::prefix("hubspot-token", &["pat-na", "pat-eu"], r"pat-(?:na|eu)\d-[a-f0-9-]{36}", &["pat-na1-‹uuid›"]).kind(Kind::Token),
    Detector::prefix("contentful-token", &["cfpat-"], r"CFPAT-[A-Za-z0-9_-]{40,}", &["CFPAT-‹b64u:43›"]).kind(Kind::Token),
    Detector::prefix("typeform-token", &["tfp_"], r"tfp_[A-Za-z0-9_-]{40,}", &["tfp_‹b64u:59›"]).kind(Kind::Token),
    Detector::prefix("pulumi-token", &["pul-"], r"pul-[0-9a-f]{40}", &["pul-‹hex:40›"]).kind(Kind::Token),
    Detector::prefix("sonar-token", &["sqp_", "sqa_", "squ_"], r"sq[pau]_[0-9a-f]{40}", &["squ_‹hex:40›"]).kind(Kind::Token),
    Detector::prefix("mapbox-token", &["sk.eyj", "pk.eyj", "tk.eyj"], r"[spt]k\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}", &["sk.eyJ‹b62:60›.‹b64u:22›"]).kind(Kind::Token),
    Detector::prefix("dropbox-token", &["sl."], r"sl\.[A-Za-z0-9_-]{100,}", &["sl.‹b64u:136›"]).kind(Kind::Token),
    Detector::prefix("asana-token", &["1/", "0/", "2/"], r"\d/\d{16}(?:/\d{16})?:[0-9a-f]{32}", &["1/‹dig:16›:‹hex:32›"]).kind(Kind::Token),
    Detector::prefix("brevo-key", &["xkeysib-", "xsmtpsib-"], r"x(?:key|smtp)sib-[a-f0-9]{64}-[A-Za-z0-9]{16}", &["xkeysib-‹hex:64›-‹b62:16›"]),
    Detector::prefix("onepassword-token", &["ops_eyj", "a3-"], r"(?:ops_eyJ[A-Za-z0-9+/=_-]{60,}|A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5})", &["ops_eyJ‹b62:250›", "A3-‹up:6›-‹up:11›-‹up:5›-‹up:5›-‹up:5›"]).kind(Kind::Token),
    Detector::prefix("shopify-token", &["shpat_", "shpss_", "shpca_", "shppa_"], r"shp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}", &["shpat_‹hex:32›"]).kind(Kind::Token),
];
