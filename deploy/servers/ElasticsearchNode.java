import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginBundle;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * Starts one Elasticsearch node from a home folder that holds config, modules, plugins and logs.
 *
 * Elastic's own start script comes only with the full distribution, which Maven does not carry.
 */
public class ElasticsearchNode {

  public static void main(String[] arguments) throws Exception {
    Path home = Path.of(arguments[0]).toAbsolutePath();
    LogConfigurator.configureESLogging();
    LogConfigurator.registerErrorListener();
    Settings settings = Settings.builder().put("path.home", home.toString()).build();
    Environment environment =
        InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), home.resolve("config"), () -> "development");
    LogConfigurator.configure(environment, true);

    PluginsLoader plugins =
        PluginsLoader.createPluginsLoader(
            load("loadModulesBundles", environment.modulesDir()),
            load("loadPluginsBundles", environment.pluginsDir()),
            Map.of());
    Node node = new Node(environment, plugins);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
    node.start();
    Thread.currentThread().join();
  }

  /** Calls PluginsLoader, whose methods got a second parameter in version 9: whether this node is a full one. */
  @SuppressWarnings("unchecked")
  private static Set<PluginBundle> load(String name, Path folder) throws Exception {
    for (Method method : PluginsLoader.class.getMethods()) {
      if (method.getName().equals(name)) {
        boolean old = method.getParameterCount() == 1;
        return (Set<PluginBundle>) (old ? method.invoke(null, folder) : method.invoke(null, folder, true));
      }
    }
    throw new IllegalStateException("this Elasticsearch has no PluginsLoader." + name);
  }

  private static void close(Node node) {
    try {
      node.close();
    } catch (Exception error) {
      error.printStackTrace();
    }
  }
}
