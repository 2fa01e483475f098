package cli

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"charm.land/glamour/v2"
	"charm.land/glamour/v2/styles"
	"golang.org/x/term"

	"faultlab/internal/report"
)

// widest is the longest line of prose that reads well.
const widest = 100

// markdown shows a text: rendered, and paged when long, on a terminal; as it is
// elsewhere.
func (a *App) markdown(text string) error {
	o, tty := report.Terminal(a.Out)
	if !tty {
		_, err := io.WriteString(a.Out, text)
		return err
	}
	shown, err := render(text, o)
	if err != nil {
		return err
	}
	return a.page(shown)
}

// render lays a text out for a terminal.
func render(text string, o report.Options) (string, error) {
	style := styles.DarkStyleConfig
	if !o.Color {
		style = styles.NoTTYStyleConfig
		if o.ASCII {
			style = styles.ASCIIStyleConfig
		}
	}
	// Text and code have the terminal's own colour, which can be read on its
	// ground, be it dark or light.
	style.Document.Color, style.CodeBlock.Color, style.CodeBlock.Chroma = nil, nil, nil
	none := uint(0)
	style.Document.Margin = &none
	r, err := glamour.NewTermRenderer(glamour.WithStyles(style), glamour.WithWordWrap(min(o.Width, widest)))
	if err != nil {
		return "", fmt.Errorf("render text: %w", err)
	}
	shown, err := r.Render(text)
	if err != nil {
		return "", fmt.Errorf("render text: %w", err)
	}
	return strings.Trim(shown, "\n") + "\n", nil
}

// page shows a text, through a pager if it is longer than the terminal.
func (a *App) page(text string) error {
	_, height, err := term.GetSize(int(a.Out.Fd()))
	if _, tty := report.Terminal(a.Out); !tty || err != nil || strings.Count(text, "\n") < height {
		_, err := io.WriteString(a.Out, text)
		return err
	}
	pager := strings.Fields(os.Getenv("PAGER"))
	if len(pager) == 0 {
		pager = []string{"less"}
	}
	path, err := exec.LookPath(pager[0])
	if err != nil {
		_, err := io.WriteString(a.Out, text)
		return err
	}
	cmd := exec.Command(path, pager[1:]...) //nolint:noctx // the reader ends it
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text), a.Out, a.Err
	if os.Getenv("LESS") == "" { // colours, and none of it left when it fits
		cmd.Env = append(os.Environ(), "LESS=FRX")
	}
	return cmd.Run()
}
