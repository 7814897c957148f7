import type { TemplateContent } from '~/api/generated';

/** A mail that is ready to send: one column, one button, readable in every client, with a way out. */
export const STARTER: TemplateContent = {
  subject: 'Can we help, {{ user.first_name | default: user.name | default: "there" }}?',
  preview_text: 'Several of your calls came back with an error. This is how to fix them.',
  language: 'mjml',
  body: `<mjml>
  <mj-head>
    <mj-attributes>
      <mj-all font-family="Arial, Helvetica, sans-serif" />
      <mj-text font-size="16px" line-height="1.6" color="#22303a" />
    </mj-attributes>
  </mj-head>
  <mj-body background-color="#f3f6f7">
    <mj-section padding="32px 0 0" />
    <mj-section background-color="#ffffff" border-radius="12px" padding="24px">
      <mj-column>
        <mj-text font-size="22px" font-weight="700">
          Hi {{ user.first_name | default: user.name | default: "there" }},
        </mj-text>
        <mj-text>
          we noticed that some of your calls to our API came back with an error. That is no fun, so here is what
          usually helps:
        </mj-text>
        <mj-text>
          <ol>
            <li>Compare the request with the example in the documentation.</li>
            <li>Look at the <code>message</code> in the answer: it names the field.</li>
            <li>Reply to this mail. A person reads it.</li>
          </ol>
        </mj-text>
        <mj-button background-color="#065f69" border-radius="8px" font-size="16px" href="https://example.com/docs">
          Open the documentation
        </mj-button>
      </mj-column>
    </mj-section>
    <mj-section>
      <mj-column>
        <mj-text align="center" font-size="13px" color="#55636b">
          {{ workspace.name }} ·
          <a href="{{ unsubscribe_url }}" style="color:#55636b">Unsubscribe</a>
        </mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
`,
  text: '',
};

/** What a template can say about whom it is sent to; traits come on top, under user and company. */
export const MERGE_TAGS = [
  { label: 'Name', tag: '{{ user.name | default: "there" }}' },
  { label: 'Email', tag: '{{ user.email }}' },
  { label: 'Plan', tag: '{{ user.plan }}' },
  { label: 'Company', tag: '{{ company.name }}' },
  { label: 'Workspace', tag: '{{ workspace.name }}' },
  { label: 'Unsubscribe link', tag: '{{ unsubscribe_url }}' },
  { label: 'Only for a plan', tag: '{% if user.plan == "free" %}…{% endif %}' },
] as const;
