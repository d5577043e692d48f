"""Pictures for a design review: what is drawn (figures), and how it becomes DOT, SVG, PNG or Mermaid."""
