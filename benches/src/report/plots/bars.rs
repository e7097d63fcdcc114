//! Horizontal bars in panels side by side: a row for each stack, a scale for each panel.

use plotters::{
    coord::Shift,
    prelude::{
        Color, DrawingArea, DrawingAreaErrorKind, IntoDrawingArea, IntoFont, PathElement, RGBColor,
        Rectangle, SVGBackend, Text,
    },
    style::text_anchor::{HPos, Pos, VPos},
};
use polytls_benches::rounds::Quartiles;

use crate::{compare::outcome::Role, report::numbers::number};

/// A scale of its own.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) bars: Vec<Bar>,
    pub(super) line: Option<Line>,
}

/// A stack's.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) stack: String,
    pub(super) value: Quartiles,
}

/// Across all bars of a panel.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) label: String,
    pub(super) value: f64,
}

const WIDTH: i32 = 980;
/// Where the first panel begins: the stacks' names are before it.
const LEFT: i32 = 138;
const GAP: i32 = 26;
/// Room for a panel's numbers, in a column behind its bars.
const NUMBER: i32 = 58;
/// A line's label is before it where there is so much room.
const LABEL: i32 = 110;
/// Where the first row begins: titles are above it.
const TOP: i32 = 74;
const ROW: i32 = 25;
const BAR: i32 = 15;
const BOTTOM: i32 = 14;

/// Grey that is read on white and on black alike; a style sheet says it more clearly for each.
const TEXT: RGBColor = RGBColor(0x6e, 0x77, 0x81);
const EMPHASIS: RGBColor = RGBColor(0x6e, 0x77, 0x82);
const PEER: RGBColor = RGBColor(0xa0, 0xa8, 0xb1);
const LIMIT: RGBColor = RGBColor(0xd9, 0x77, 0x06);
const WHISKER: RGBColor = RGBColor(0x57, 0x60, 0x6a);
/// polytls's, by backend.
const OURS: [(&str, RGBColor); 3] = [
    ("polytls-builtin", RGBColor(0x1f, 0x6f, 0xeb)),
    ("polytls-rustls", RGBColor(0x5c, 0x9d, 0xf5)),
    ("polytls-openssl", RGBColor(0x94, 0xc0, 0xf9)),
];
const OUR_OTHER: RGBColor = RGBColor(0xb8, 0xd6, 0xfb);

const STYLE: &str = "<style>\
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\
@media (prefers-color-scheme:light){[fill='#6E7781']{fill:#59636e}[fill='#6E7782']{fill:#1f2328}}\
@media (prefers-color-scheme:dark){[fill='#6E7781']{fill:#9198a1}[fill='#6E7782']{fill:#f0f6fc}\
[fill='#A0A8B1']{fill:#6e7681}[stroke='#57606A']{stroke:#c9d1d9}}\
</style>";

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Failure = DrawingAreaErrorKind<std::io::Error>;

/// The panels under one title, as SVG on no ground.
pub(super) fn draw(title: &str, panels: &[Panel]) -> Result<String, String> {
    let stacks = stacks(panels);
    let height = TOP + ROW * stacks.len() as i32 + BOTTOM;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH as u32, height as u32)).into_drawing_area();
        all(&area, title, panels, &stacks).map_err(|error| format!("the plot `{title}`: {error}"))?;
    }
    Ok(match svg.find("viewBox").and_then(|from| Some(from + svg[from..].find('>')?)) {
        Some(end) => format!("{}{STYLE}{}", &svg[..=end], &svg[end + 1..]),
        None => svg,
    })
}

/// Every stack of any panel: polytls's first.
fn stacks(panels: &[Panel]) -> Vec<&str> {
    let mut stacks: Vec<&str> = Vec::new();
    for bar in panels.iter().flat_map(|panel| &panel.bars) {
        if !stacks.contains(&bar.stack.as_str()) {
            stacks.push(&bar.stack);
        }
    }
    let place = |stack: &str| OURS.iter().position(|(name, _)| *name == stack).unwrap_or(OURS.len());
    stacks.sort_by_key(|stack| (Role::of(stack), place(stack), *stack));
    stacks
}

fn all(area: &Area<'_>, title: &str, panels: &[Panel], stacks: &[&str]) -> Result<(), Failure> {
    text(area, title, (0, 16), 15, EMPHASIS, HPos::Left)?;
    for (row, stack) in stacks.iter().enumerate() {
        let colour = if Role::of(stack) == Role::Polytls { EMPHASIS } else { TEXT };
        text(area, stack, (LEFT - 10, middle(row)), 13, colour, HPos::Right)?;
    }
    let count = panels.len() as i32;
    let width = (WIDTH - LEFT - GAP * (count - 1)) / count;
    for (place, panel) in panels.iter().enumerate() {
        draw_panel(area, panel, stacks, LEFT + place as i32 * (width + GAP), width)?;
    }
    area.present()
}

fn draw_panel(area: &Area<'_>, panel: &Panel, stacks: &[&str], left: i32, width: i32) -> Result<(), Failure> {
    text(area, &panel.title, (left, 42), 13, EMPHASIS, HPos::Left)?;
    let values = panel.bars.iter().map(|bar| bar.value.upper.max(bar.value.median));
    let highest = values.chain(panel.line.iter().map(|line| line.value)).fold(f64::MIN_POSITIVE, f64::max);
    let x = |value: f64| left + (value.max(0.0) / highest * f64::from(width - NUMBER)).round() as i32;
    if let Some(line) = &panel.line {
        let (at, bottom) = (x(line.value), TOP + ROW * stacks.len() as i32);
        area.draw(&PathElement::new([(at, TOP - 6), (at, bottom)], LIMIT.stroke_width(1)))?;
        let label = format!("{} {}", line.label, number(line.value));
        let (from, side) = if at - left > LABEL { (at, HPos::Right) } else { (at, HPos::Left) };
        text(area, &label, (from, TOP - 14), 12, LIMIT, side)?;
    }
    for (row, stack) in stacks.iter().enumerate() {
        match panel.bars.iter().find(|bar| bar.stack == *stack) {
            Some(bar) => draw_bar(area, bar, middle(row), (left, left + width), x)?,
            None => text(area, "–", (left + width, middle(row)), 13, TEXT, HPos::Right)?,
        }
    }
    Ok(())
}

fn draw_bar(
    area: &Area<'_>,
    bar: &Bar,
    middle: i32,
    (left, right): (i32, i32),
    x: impl Fn(f64) -> i32,
) -> Result<(), Failure> {
    let Quartiles { lower, median, upper } = bar.value;
    let (from, to) = ((left, middle - BAR / 2), (x(median).max(left + 1), middle + BAR / 2 + 1));
    area.draw(&Rectangle::new([from, to], colour(&bar.stack).filled()))?;
    if upper > lower {
        let ends = [(x(lower), middle), (x(upper), middle)];
        area.draw(&PathElement::new(ends, WHISKER.stroke_width(1)))?;
    }
    let ours = Role::of(&bar.stack) == Role::Polytls;
    text(area, &number(median), (right, middle), 13, if ours { EMPHASIS } else { TEXT }, HPos::Right)
}

fn colour(stack: &str) -> RGBColor {
    let ours = OURS.iter().find(|(name, _)| *name == stack).map(|(_, colour)| *colour);
    ours.unwrap_or(if Role::of(stack) == Role::Polytls { OUR_OTHER } else { PEER })
}

fn middle(row: usize) -> i32 {
    TOP + ROW * row as i32 + ROW / 2
}

fn text(
    area: &Area<'_>,
    text: &str,
    at: (i32, i32),
    size: i32,
    colour: RGBColor,
    side: HPos,
) -> Result<(), Failure> {
    let style = plotters::style::TextStyle::from(("sans-serif", size).into_font())
        .color(&colour)
        .pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(text.to_owned(), at, style))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(bars: &[(&str, f64)], line: Option<f64>) -> Panel {
        let bar = |&(stack, median): &(&str, f64)| Bar {
            stack: stack.to_owned(),
            value: Quartiles { lower: median * 0.9, median, upper: median * 1.1 },
        };
        let line = line.map(|value| Line { label: "limit".into(), value });
        Panel { title: "panel".into(), bars: bars.iter().map(bar).collect(), line }
    }

    #[test]
    fn polytls_is_first_and_who_is_in_one_panel_has_a_row_in_all() {
        let panels = [
            panel(&[("tokio-rustls", 1.0), ("polytls-openssl", 2.0)], None),
            panel(&[("s2n-tls-tokio", 1.0), ("polytls-builtin", 2.0)], None),
        ];
        let expected = ["polytls-builtin", "polytls-openssl", "s2n-tls-tokio", "tokio-rustls"];
        assert_eq!(stacks(&panels), expected);
    }

    #[test]
    fn a_drawing_is_one_document_with_its_style() {
        let svg = draw("title", &[panel(&[("tokio-rustls", 0.0)], Some(3.0))]).unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert_eq!(svg.matches("<style>").count(), 1);
        assert!(svg.find("<style>") < svg.find("<text"));
    }
}
