"""Liquid, MJML, inlining and signed links, in a sandboxed process."""
