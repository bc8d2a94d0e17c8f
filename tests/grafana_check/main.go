// Reads a dashboard from standard input with the strict reader of Grafana's own SDK: a field that Grafana does not
// have, or of another type, is an error.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	plugins.RegisterDefaultPlugins()
	text, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = (&dashboard.Dashboard{}).UnmarshalJSONStrict(text)
	}
	var problems cog.BuildErrors
	if errors.As(err, &problems) && len(problems) == 0 { // the SDK's "no errors" is not nil
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "not a dashboard: %v\n", err)
		os.Exit(1)
	}
}
