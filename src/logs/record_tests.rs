use super::*;

fn read_line(line: &str) -> Record {
    read(line, &Clock { reference: "2026-11-30T00:00:00Z".parse().ok(), ..Clock::default() })
}

#[test]
fn a_record_of_2026_2_19_with_fields() {
    let record = read_line(
        r#"{"0":"{\"subsystem\":\"gateway/ws\"}","1":{"cause":"pairing-required","reason":"not-paired"},"2":"closed before connect conn=c1","_meta":{"name":"{\"subsystem\":\"gateway/ws\"}","date":"2026-11-22T14:06:53.476Z","logLevelName":"WARN"},"time":"2026-11-22T14:06:53.476Z"}"#,
    );
    assert_eq!(record.subsystem.as_deref(), Some("gateway/ws"));
    assert_eq!(record.message, "closed before connect conn=c1");
    assert_eq!(record.fields.get("reason").and_then(Value::as_str), Some("not-paired"));
    assert_eq!((record.level, record.shape), (Some(Level::Warn), Shape::OpenClaw));
    assert_eq!(record.time.map(|time| time.to_string()).as_deref(), Some("2026-11-22T14:06:53.476Z"));
}

#[test]
fn console_capture_is_the_commands_own_text() {
    let record = read_line(
        r#"{"0":"gateway connect failed: Error: pairing required","_meta":{"name":"openclaw","logLevelName":"ERROR"},"time":"2026-11-22T14:27:55.551+02:00","hostname":"vm","message":"gateway connect failed: Error: pairing required"}"#,
    );
    assert_eq!(record.subsystem.as_deref(), Some("openclaw"));
    assert_eq!(record.message, "gateway connect failed: Error: pairing required");
    assert_eq!(record.time.map(|time| time.to_string()).as_deref(), Some("2026-11-22T12:27:55.551Z"));
}

#[test]
fn sinks_around_the_same_line_give_the_same_message() {
    let inner = "2026-02-12T07:20:43.566Z [ws] closed before connect conn=c1 code=1008 reason=pairing required";
    let journal = serde_json::json!({"__REALTIME_TIMESTAMP": "1770880844000000", "MESSAGE": inner,
        "_SYSTEMD_USER_UNIT": "openclaw-gateway.service", "PRIORITY": "6", "_PID": "42"});
    let docker = serde_json::json!({"log": format!("{inner}\n"), "stream": "stderr", "time": "2026-02-12T07:20:44Z"});
    let lines = [
        inner.to_owned(),
        "\u{1b}[2m2026-02-12T07:20:43.566Z\u{1b}[0m \u{1b}[36m[ws]\u{1b}[39m closed before connect conn=c1 code=1008 reason=pairing required".to_owned(),
        format!("openclaw-gateway-1  | {inner}"),
        format!("Feb 12 07:20:44 host node[42]: {inner}"),
        format!("2026-02-12T07:20:44.000001Z stderr F {inner}"),
        journal.to_string(),
        docker.to_string(),
    ];
    for line in &lines {
        let record = read_line(line);
        assert_eq!(record.message, "closed before connect conn=c1 code=1008 reason=pairing required", "{line}");
        assert_eq!(record.subsystem.as_deref(), Some("gateway/ws"), "{line}");
        assert_eq!(record.time.map(|time| time.to_string()).as_deref(), Some("2026-02-12T07:20:43.566Z"), "{line}");
    }
    assert_eq!(read_line(&journal.to_string()).unit.as_deref(), Some("openclaw-gateway.service"));
}

#[test]
fn output_of_the_logs_command_carries_logger_and_fields() {
    let record = read_line(
        r#"01:19:56+00:00 warn gateway/ws {"subsystem":"gateway/ws"} {"cause":"pairing-required","reason":"scope-upgrade"} closed before connect conn=c1 code=1008 reason=connect failed"#,
    );
    assert_eq!(record.fields.get("reason").and_then(Value::as_str), Some("scope-upgrade"));
    assert_eq!(record.message, "closed before connect conn=c1 code=1008 reason=connect failed");
    assert_eq!((record.level, record.time), (Some(Level::Warn), None));
}

#[test]
fn messages_as_byte_arrays_and_systemd_tags() {
    let record =
        read_line(r#"{"__REALTIME_TIMESTAMP":"1770880844000000","MESSAGE":[104,105],"SYSLOG_IDENTIFIER":"systemd"}"#);
    assert_eq!((record.message.as_str(), record.subsystem.as_deref()), ("hi", Some("systemd")));
    let short = read_line(
        "Apr 02 20:20:46 systemd[332]: openclaw-gateway.service: Main process exited, code=exited, status=1/FAILURE",
    );
    assert_eq!(short.subsystem.as_deref(), Some("systemd"));
    assert!(short.message.starts_with("openclaw-gateway.service: Main process exited"));
}

#[test]
fn broken_json_is_text_and_two_records_on_a_line_give_the_first() {
    let cut = read_line(r#"{"0":"{\"subsystem\":\"gateway\"}","1":"parse/handle error: Error: EACCES"#);
    assert!(cut.message.contains("parse/handle error"));
    let two = read_line(r#"{"0":"first","_meta":{}}{"0":"second","_meta":{}}"#);
    assert_eq!(two.message, "first");
}
