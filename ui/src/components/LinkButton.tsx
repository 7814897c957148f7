import { Anchor, type AnchorProps, Button, type ButtonProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, Ref } from 'react';

type Html<P> = P & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof P> & { ref?: Ref<HTMLAnchorElement> };

/** A button that is a link within the page. */
export const LinkButton = createLink((props: Html<ButtonProps>) => <Button component="a" {...props} />);

/** A text link within the page. */
export const TextLink = createLink((props: Html<AnchorProps>) => <Anchor size="sm" {...props} />);

/** The first column of a table: plain until pointed at. */
export const RowLink = createLink(
  (props: AnchorHTMLAttributes<HTMLAnchorElement> & { ref?: Ref<HTMLAnchorElement> }) => (
    <a {...props} className="row-link" />
  ),
);
