package main

import (
	"encoding/json"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

const perSecond = units.RequestsPerSecond

// query is a PromQL expression and what its series are called in the legend.
type query struct{ expr, legend string }

// panel is a graph.
type panel struct {
	title, description, unit string
	stacked                  bool
	queries                  []query
}

// figure is a single number, red from a value on, or below it.
type figure struct {
	title, description, unit string
	expr                     string
	red                      float64
	below                    bool
}

// row is a line of panels under a title.
type row struct {
	title  string
	panels []panel
}

// dashboardJSON returns the dashboard in the classic form, which every supported Grafana
// reads, provisions from a file and imports. The schema that the library prefers is one of
// the newest Grafana alone.
func dashboardJSON() ([]byte, error) {
	source := prometheusSource()
	board := dashboard.NewDashboardBuilder("kinde-authz") //nolint:staticcheck // see above
	board.Uid("kinde-authz").
		Description("Decisions, keys and health of kinde-authz. docs/operations.md explains the alerts.").
		Tags([]string{"kinde-authz", "envoy"}).
		Readonly().Refresh("30s").Time("now-3h", "now").Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus")).
		WithVariable(variable("namespace", "Namespace", `label_values(kinde_authz_build_info, namespace)`)).
		WithVariable(variable("instance", "Replica",
			`label_values(kinde_authz_build_info{namespace=~"$namespace"}, instance)`))
	for _, f := range figures {
		board.WithPanel(f.panel(source))
	}
	for _, r := range rows {
		board.WithRow(dashboard.NewRowBuilder(r.title))
		for _, p := range r.panels {
			board.WithPanel(p.panel(source, uint32(24/len(r.panels)))) //nolint:gosec // 24 at most
		}
	}
	built, err := board.Build()
	if err != nil {
		return nil, err
	}
	content, err := json.MarshalIndent(built, "", "  ")
	return append(content, '\n'), err
}

func prometheusSource() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("$datasource")}
}

// variable is a choice of label values. All of them match also where the label is missing.
func variable(name, label, values string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).Label(label).
		Datasource(prometheusSource()).
		Query(dashboard.StringOrMap{String: &values}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Multi(true).IncludeAll(true).AllValue(".*").
		Current(dashboard.VariableOption{
			Text:  dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
			Value: dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
		})
}

func (p panel) panel(source common.DataSourceRef, width uint32) *timeseries.PanelBuilder {
	built := timeseries.NewPanelBuilder().
		Title(p.title).Description(p.description).Unit(p.unit).Min(0).
		Datasource(source).Span(width).Height(8).
		LineWidth(1).FillOpacity(10).ShowPoints(common.VisibilityModeNever).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).
			DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)).
		Tooltip(common.NewVizTooltipOptionsBuilder().
			Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	if p.stacked {
		built.FillOpacity(40).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal))
	}
	for _, q := range p.queries {
		built.WithTarget(prometheus.NewDataqueryBuilder().
			Expr(q.expr).LegendFormat(q.legend).Range().Exemplar(true))
	}
	return built
}

func (f figure) panel(source common.DataSourceRef) *stat.PanelBuilder {
	first, second := "green", "red"
	if f.below {
		first, second = second, first
	}
	return stat.NewPanelBuilder().
		Title(f.title).Description(f.description).Unit(f.unit).
		Datasource(source).Span(uint32(24 / len(figures))).Height(4). //nolint:gosec // 24 at most
		ColorMode(common.BigValueColorModeValue).GraphMode(common.BigValueGraphModeArea).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
		Thresholds(dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).
			Steps([]dashboard.Threshold{{Color: first}, {Value: &f.red, Color: second}})).
		WithTarget(prometheus.NewDataqueryBuilder().Expr(f.expr).Range())
}
