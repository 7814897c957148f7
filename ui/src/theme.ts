import {
  type CSSVariablesResolver,
  type MantineColorsTuple,
  alpha,
  darken,
  createTheme,
  defaultCssVariablesResolver,
} from '@mantine/core';

const petrol: MantineColorsTuple = [
  '#e8f5f6',
  '#d5ebed',
  '#a9d7db',
  '#7ac2c9',
  '#52adb6',
  '#2f98a2',
  '#17828d',
  '#0b6f7a',
  '#065f69',
  '#034a52',
];

const amber: MantineColorsTuple = [
  '#fff6e6',
  '#feebcb',
  '#fcd897',
  '#f8c25f',
  '#f2b34c',
  '#dc962a',
  '#b97714',
  '#97600d',
  '#7d4f0a',
  '#5c3a06',
];

const dark: MantineColorsTuple = [
  '#dfe5e8',
  '#c3ccd1',
  '#a5b1b8',
  '#84929b',
  '#36424a',
  '#28323a',
  '#1c252b',
  '#141b20',
  '#0f1519',
  '#0a0f12',
];

const sans =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif';
const mono =
  'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

export const theme = createTheme({
  primaryColor: 'petrol',
  // Mantine's default shade 6 fails WCAG AA as text and under white text.
  primaryShade: { light: 8, dark: 8 },
  colors: { petrol, amber, dark },
  black: '#131c21',
  fontFamily: sans,
  fontFamilyMonospace: mono,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  headings: {
    fontFamily: sans,
    fontWeight: '650',
    sizes: {
      h1: { fontSize: '1.625rem', lineHeight: '1.25' },
      h2: { fontSize: '1.125rem', lineHeight: '1.35' },
      h3: { fontSize: '1rem', lineHeight: '1.4' },
    },
  },
  components: {
    Badge: {
      defaultProps: { variant: 'light', radius: 'sm' },
      styles: { root: { letterSpacing: '0.02em', flexShrink: 0, minWidth: 'max-content' } },
    },
    // open menus and lists stand in the main landmark, and a menu's first child is an item
    Menu: { defaultProps: { withInitialFocusPlaceholder: false, portalProps: { target: '#main' } } },
    Combobox: { defaultProps: { portalProps: { target: '#main' } } },
    Modal: {
      defaultProps: {
        centered: true,
        overlayProps: { backgroundOpacity: 0.45, blur: 2 },
        closeButtonProps: { 'aria-label': 'Close' },
        attributes: { header: { role: 'none' } }, // else a second banner beside the page's
      },
      styles: { header: { backgroundColor: 'var(--antiphon-surface)' }, title: { fontWeight: 600 } },
    },
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Paper: { defaultProps: { withBorder: true, p: 'md' } },
    Table: { defaultProps: { verticalSpacing: 'sm', highlightOnHover: true } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
    Text: { defaultProps: { size: 'sm' } },
    Anchor: { defaultProps: { underline: 'always' } },
  },
});

/** Mantine's own variables, with the ones that fail WCAG AA replaced, and a few of ours (`--antiphon-*`). */
export const cssVariables: CSSVariablesResolver = (current) => {
  const base = defaultCssVariablesResolver(current);
  const light: Record<string, string> = {};
  const dark: Record<string, string> = {};
  for (const color of Object.keys(current.colors)) {
    const tint = current.colors[color]?.[5] ?? current.white;
    const strong = darken(current.colors[color]?.[9] ?? current.black, color === 'green' ? 0.35 : 0.2);
    light[`--mantine-color-${color}-text`] = strong;
    light[`--mantine-color-${color}-light-color`] = strong;
    dark[`--mantine-color-${color}-text`] = `var(--mantine-color-${color}-3)`;
    dark[`--mantine-color-${color}-light-color`] = `var(--mantine-color-${color}-1)`;
    dark[`--mantine-color-${color}-light`] = alpha(tint, color === 'gray' ? 0.12 : 0.2);
    dark[`--mantine-color-${color}-light-hover`] = alpha(tint, color === 'gray' ? 0.18 : 0.28);
  }
  return {
    variables: base.variables,
    light: {
      ...base.light,
      ...light,
      '--mantine-color-body': '#f6f8f8',
      '--mantine-color-dimmed': '#55636b',
      '--mantine-color-placeholder': '#66747c',
      '--mantine-color-error': 'var(--mantine-color-red-9)',
      '--mantine-color-default-border': '#d3dadd',
      '--mantine-color-disabled-color': '#66747c',
      '--antiphon-surface': '#ffffff',
      '--antiphon-sunken': '#eef2f3',
      '--antiphon-line': '#dfe5e7',
      '--antiphon-call': 'var(--mantine-color-petrol-7)',
      '--antiphon-response': 'var(--mantine-color-amber-5)',
    },
    dark: {
      ...base.dark,
      ...dark,
      '--mantine-color-body': '#11171b',
      '--mantine-color-text': '#dfe5e8',
      '--mantine-color-dimmed': '#a5b1b8',
      '--mantine-color-placeholder': '#93a0a8',
      '--mantine-color-error': 'var(--mantine-color-red-4)',
      '--mantine-color-anchor': 'var(--mantine-color-petrol-3)',
      '--mantine-color-default': '#1c252b',
      '--mantine-color-default-border': '#36424a',
      '--mantine-color-disabled-color': '#93a0a8',
      '--antiphon-surface': '#182026',
      '--antiphon-sunken': '#0d1316',
      '--antiphon-line': '#2a343b',
      '--antiphon-call': 'var(--mantine-color-petrol-4)',
      '--antiphon-response': 'var(--mantine-color-amber-4)',
    },
  };
};
