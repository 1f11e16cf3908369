import java.io.BufferedOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.util.Map;
import java.util.TreeMap;
import loci.common.DebugTools;
import loci.formats.FormatTools;
import loci.formats.ImageReader;
import loci.formats.MetadataTools;
import loci.formats.meta.IMetadata;
import ome.units.UNITS;
import ome.units.quantity.Length;
import ome.xml.meta.OMEXMLMetadataRoot;
import ome.xml.model.MapPair;
import ome.xml.model.primitives.Color;

/**
 * What Bio-Formats finds in files: `java -cp bioformats_package.jar BioFormatsReader.java FILE...`.
 *
 * Prints a line of JSON a file, and writes the voxels of all planes as they are stored, in the order channel, z, time point, to
 * FILE.bioformats; of a file of more than 1 GiB the first voxel of each plane.
 */
public class BioFormatsReader {
    public static void main(String[] paths) throws Exception {
        DebugTools.setRootLevel("ERROR");
        for (String path : paths) {
            boolean isLarge = new File(path).length() > 1L << 30;
            ImageReader reader = new ImageReader();
            IMetadata metadata = MetadataTools.createOMEXMLMetadata();
            reader.setMetadataStore(metadata);
            reader.setId(path);
            try (OutputStream output = new BufferedOutputStream(new FileOutputStream(path + ".bioformats"))) {
                for (int t = 0; t < reader.getSizeT(); t++)
                    for (int z = 0; z < reader.getSizeZ(); z++)
                        for (int c = 0; c < reader.getSizeC(); c++) {
                            int plane = reader.getIndex(z, c, t);
                            output.write(isLarge ? reader.openBytes(plane, 0, 0, 1, 1) : reader.openBytes(plane));
                        }
            }
            StringBuilder names = new StringBuilder();
            StringBuilder colors = new StringBuilder();
            for (int c = 0; c < metadata.getChannelCount(0); c++) {
                String name = metadata.getChannelName(0, c);
                Color color = metadata.getChannelColor(0, c);
                names.append(c > 0 ? ", " : "").append(name == null ? "null" : quoted(name));
                colors.append(c > 0 ? ", " : "").append(color == null ? "null" : color.getValue().toString());
            }
            StringBuilder emissions = new StringBuilder();
            StringBuilder excitations = new StringBuilder();
            for (int c = 0; c < metadata.getChannelCount(0); c++) {
                emissions.append(c > 0 ? ", " : "").append(micrometers(metadata.getChannelEmissionWavelength(0, c)));
                excitations.append(c > 0 ? ", " : "").append(micrometers(metadata.getChannelExcitationWavelength(0, c)));
            }
            boolean hasObjective = metadata.getInstrumentCount() > 0 && metadata.getObjectiveCount(0) > 0;
            boolean hasSettings = ((OMEXMLMetadataRoot) metadata.getRoot()).getImage(0).getObjectiveSettings() != null;
            StringBuilder provenance = new StringBuilder();
            // Where a file has no annotations, counting them fails.
            boolean hasAnnotations = ((OMEXMLMetadataRoot) metadata.getRoot()).getStructuredAnnotations() != null;
            for (int i = 0; hasAnnotations && i < metadata.getMapAnnotationCount(); i++)
                for (MapPair pair : metadata.getMapAnnotationValue(i))
                    if ("gpudeconv".equals(metadata.getMapAnnotationNamespace(i)))
                        provenance.append(provenance.length() > 0 ? ", " : "")
                            .append(quoted(pair.getName())).append(": ").append(quoted(pair.getValue()));
            System.out.printf(
                "{\"format\": %s, \"images\": %d, \"type\": %s, \"littleEndian\": %b, \"width\": %d, \"height\": %d, "
                    + "\"channels\": %d, \"slices\": %d, \"frames\": %d, \"spacing\": [%s, %s, %s], \"interval\": %s, "
                    + "\"names\": [%s], \"colors\": [%s], \"emissions\": [%s], \"excitations\": [%s], \"description\": %s, "
                    + "\"aperture\": %s, \"magnification\": %s, \"immersion\": %s, \"refractiveIndex\": %s, "
                    + "\"planes\": {%s}, \"provenance\": {%s}}%n",
                quoted(reader.getFormat()), reader.getSeriesCount(), quoted(FormatTools.getPixelTypeString(reader.getPixelType())),
                reader.isLittleEndian(), reader.getSizeX(), reader.getSizeY(), reader.getSizeC(), reader.getSizeZ(),
                reader.getSizeT(), micrometers(metadata.getPixelsPhysicalSizeZ(0)),
                micrometers(metadata.getPixelsPhysicalSizeY(0)), micrometers(metadata.getPixelsPhysicalSizeX(0)),
                metadata.getPixelsTimeIncrement(0) == null
                    ? "null" : metadata.getPixelsTimeIncrement(0).value(UNITS.SECOND).toString(),
                names, colors, emissions, excitations, text(metadata.getImageDescription(0)),
                hasObjective ? metadata.getObjectiveLensNA(0, 0) : null,
                hasObjective ? metadata.getObjectiveNominalMagnification(0, 0) : null,
                hasObjective ? text(metadata.getObjectiveImmersion(0, 0)) : null,
                hasSettings ? metadata.getObjectiveSettingsRefractiveIndex(0) : null, planes(metadata), provenance);
            reader.close();
        }
    }

    private static String micrometers(Length length) {
        Number number = length == null ? null : length.value(UNITS.MICROMETER);
        return number == null ? "null" : number.toString();
    }

    /** When and where planes were taken, by their channel, z and time point. */
    private static String planes(IMetadata metadata) {
        TreeMap<String, String> planes = new TreeMap<>();
        for (int i = 0; i < metadata.getPlaneCount(0); i++)
            if (metadata.getPlanePositionX(0, i) != null)
                planes.put(
                    metadata.getPlaneTheC(0, i) + " " + metadata.getPlaneTheZ(0, i) + " " + metadata.getPlaneTheT(0, i),
                    metadata.getPlaneDeltaT(0, i).value(UNITS.SECOND) + " s, " + metadata.getPlaneExposureTime(0, i).value(UNITS.SECOND)
                        + " s, " + place(metadata.getPlanePositionX(0, i)) + ", " + place(metadata.getPlanePositionY(0, i)) + ", "
                        + place(metadata.getPlanePositionZ(0, i)));
        StringBuilder result = new StringBuilder();
        for (Map.Entry<String, String> plane : planes.entrySet())
            result.append(result.length() > 0 ? ", " : "").append(quoted(plane.getKey())).append(": ").append(quoted(plane.getValue()));
        return result.toString();
    }

    private static String place(Length length) { return length.value() + " " + length.unit().getSymbol(); }

    private static String text(Object value) { return value == null ? "null" : quoted(value.toString()); }

    private static String quoted(String text) {
        StringBuilder result = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\' || c < ' ' || c > '~') result.append(String.format("\\u%04x", (int) c));
            else result.append(c);
        }
        return result.append('"').toString();
    }
}
