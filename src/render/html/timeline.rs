//! Refused connections over time, as a picture (SVG).

use super::text;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Refusals over time, in intervals of one width.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Width of an interval in seconds.
    pub width_seconds: i64,
    /// The intervals with refusals, oldest first.
    pub bars: Vec<Bar>,
}

/// One interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// Its start.
    pub start: Timestamp,
    /// Refusals by reason.
    pub reasons: Vec<(String, u64)>,
}

/// Reasons that get a colour of their own; the others share the last one.
const COLOURS: usize = 5;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 46.0;
const TOP: f64 = 10.0;
const HEIGHT: f64 = 150.0;

/// The picture with its legend; nothing where nothing was refused.
pub fn picture(page: &mut String, timeline: &Timeline) {
    let total = |bar: &Bar| bar.reasons.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    let most = timeline.bars.iter().map(total).max().unwrap_or(0);
    let (Some(first), Some(last)) = (timeline.bars.first(), timeline.bars.last()) else { return };
    if most == 0 {
        return;
    }
    let reasons = by_frequency(&timeline.bars);
    let width = timeline.width_seconds.max(1);
    let slot = |bar: &Bar| bar.start.as_second().saturating_sub(first.start.as_second()).max(0) / width;
    let slots = slot(last).saturating_add(1);
    let step = ((WIDTH - LEFT) / slots as f64).min(60.0);
    let all: u64 = timeline.bars.iter().map(total).fold(0, u64::saturating_add);
    let _ = write!(
        page,
        "<h2>Refused connections over time</h2>\n<div class=\"card\"><svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" \
         aria-label=\"{all} refused connections from {} to {}, at most {most} in {}\">",
        TOP + HEIGHT + 26.0,
        moment(first.start),
        moment(last.start),
        span(width)
    );
    for (value, y) in
        [(most, TOP), (most / 2, TOP + HEIGHT * (1.0 - (most / 2) as f64 / most as f64)), (0, TOP + HEIGHT)]
    {
        if value == 0 && y < TOP + HEIGHT {
            continue;
        }
        let _ = write!(
            page,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            LEFT - 6.0,
            y + 4.0
        );
    }
    for bar in &timeline.bars {
        stack(page, bar, LEFT + slot(bar) as f64 * step, (step - 2.0).max(1.0), most, &reasons);
    }
    let end = LEFT + slots as f64 * step;
    let _ = write!(page, "<text x=\"{LEFT}\" y=\"{}\">{}</text>", TOP + HEIGHT + 19.0, moment(first.start));
    if slots > 1 {
        let (x, anchor) = if end > LEFT + 330.0 { (end, "end") } else { (LEFT + 330.0, "end") };
        let _ = write!(
            page,
            "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            TOP + HEIGHT + 19.0,
            moment(last.start)
        );
    }
    page.push_str("</svg>\n<ul class=\"legend\">");
    for (index, (reason, count)) in reasons.iter().enumerate() {
        let _ = write!(page, "<li><span class=\"s{}\"></span>{} ({count})</li>", index.min(COLOURS), text(reason));
    }
    let _ = writeln!(page, "</ul><p class=\"soft\">One bar is {}. Point at a bar for its time.</p></div>", span(width));
}

/// Reasons with their counts, the most frequent first.
fn by_frequency(bars: &[Bar]) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, count) in bars.iter().flat_map(|bar| &bar.reasons) {
        let sum = counts.entry(reason).or_default();
        *sum = sum.saturating_add(*count);
    }
    let mut counts: Vec<(String, u64)> = counts.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

fn stack(page: &mut String, bar: &Bar, x: f64, width: f64, most: u64, reasons: &[(String, u64)]) {
    let words: Vec<String> = bar.reasons.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
    let _ = write!(page, "<g><title>{}: {}</title>", moment(bar.start), text(&words.join(", ")));
    let mut y = TOP + HEIGHT;
    for (index, (reason, _)) in reasons.iter().enumerate() {
        let count: u64 =
            bar.reasons.iter().filter(|(of, _)| of == reason).map(|(_, count)| *count).fold(0, u64::saturating_add);
        if count == 0 {
            continue;
        }
        let height = (count as f64 / most as f64 * HEIGHT).max(1.0);
        y -= height;
        let _ = write!(
            page,
            "<rect class=\"s{}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>",
            index.min(COLOURS)
        );
    }
    page.push_str("</g>");
}

fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A length of time, in words.
fn span(seconds: i64) -> String {
    match seconds {
        ..120 => "one minute".to_owned(),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_between_refusals_are_seen() {
        let bar = |second, count| Bar {
            start: Timestamp::from_second(second).unwrap(),
            reasons: vec![("token-mismatch".to_owned(), count)],
        };
        let mut page = String::new();
        picture(&mut page, &Timeline { width_seconds: 60, bars: vec![bar(0, 4), bar(600, 2)] });
        // Eleven minutes: the second bar stands ten widths to the right of the first.
        assert_eq!(page.matches("<rect").count(), 2);
        assert!(page.contains("x=\"46.0\"") && page.contains("x=\"646.0\""), "{page}");
        assert!(page.contains("token-mismatch (6)"));
        let mut empty = String::new();
        picture(&mut empty, &Timeline::default());
        assert!(empty.is_empty());
    }
}
